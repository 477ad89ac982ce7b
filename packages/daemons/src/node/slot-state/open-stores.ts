// SPDX-License-Identifier: Apache-2.0
import { type ObjectStore, openObjectStore } from '@vnfpool/store/objects';
import { openSharedStateStore, type SharedStateStore } from '@vnfpool/store/shared-state';

/** Stores outside of the set that this node uses, each opened once. */
export class OpenStores {
  readonly #stores = new Map<string, ObjectStore>();
  readonly #shared = new Map<string, SharedStateStore>();

  /** @throws ObjectStoreError `address` */
  at(address: string): ObjectStore {
    const known = this.#stores.get(address);
    if (known !== undefined) return known;
    const store = openObjectStore(address);
    this.#stores.set(address, store);
    return store;
  }

  /** The same for state that is changed in place. @throws SharedStateError `address` */
  sharedAt(address: string): SharedStateStore {
    const known = this.#shared.get(address);
    if (known !== undefined) return known;
    const store = openSharedStateStore(address);
    this.#shared.set(address, store);
    return store;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#stores.values(), ...this.#shared.values()].map((store) => store.close()));
  }
}
