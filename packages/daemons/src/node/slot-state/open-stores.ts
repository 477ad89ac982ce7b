// SPDX-License-Identifier: Apache-2.0
import { type ObjectStore, openObjectStore } from '@vnfpool/store/objects';

/** Stores outside of the set that this node uses, each opened once. */
export class OpenStores {
  readonly #stores = new Map<string, ObjectStore>();

  /** @throws ObjectStoreError `address` */
  at(address: string): ObjectStore {
    const known = this.#stores.get(address);
    if (known !== undefined) return known;
    const store = openObjectStore(address);
    this.#stores.set(address, store);
    return store;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#stores.values()].map((store) => store.close()));
  }
}
