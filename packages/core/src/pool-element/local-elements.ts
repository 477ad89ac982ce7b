// SPDX-License-Identifier: Apache-2.0
import { poolKey } from '../handlespace/pool-key.ts';
import type { LocalElement } from './registration-state.ts';

/** The elements of one process, by pool and identifier. */
export class LocalElements {
  readonly #elements = new Map<string, LocalElement>();

  get size(): number {
    return this.#elements.size;
  }

  find(poolHandle: Uint8Array, id: number): LocalElement | undefined {
    return this.#elements.get(elementKey(poolHandle, id));
  }

  add(element: LocalElement): void {
    this.#elements.set(elementKey(element.poolHandle, element.id), element);
  }

  delete(element: LocalElement): void {
    this.#elements.delete(elementKey(element.poolHandle, element.id));
  }

  [Symbol.iterator](): IterableIterator<LocalElement> {
    return this.#elements.values();
  }

  /** Of this pool; of this identifier, if one is given. */
  *inPool(poolHandle: Uint8Array, id: number | undefined): IterableIterator<LocalElement> {
    const key = poolKey(poolHandle);
    for (const element of this.#elements.values()) {
      if (poolKey(element.poolHandle) === key && (id === undefined || element.id === id)) yield element;
    }
  }

  /** Those whose home is reached over this inbound association; undefined: over the one that we hunt for. */
  *over(inbound: number | undefined): IterableIterator<LocalElement> {
    for (const element of this.#elements.values()) if (element.inbound === inbound) yield element;
  }

  /** The one whose open request was sent first over this association: what an ASAP_ERROR is about. */
  oldestRequest(inbound: number | undefined): LocalElement | undefined {
    let oldest: LocalElement | undefined;
    for (const element of this.over(inbound)) {
      if (element.phase !== 'registering' && element.phase !== 'deregistering') continue;
      if (oldest === undefined || element.sentMs < oldest.sentMs) oldest = element;
    }
    return oldest;
  }
}

function elementKey(poolHandle: Uint8Array, id: number): string {
  return `${id}/${poolKey(poolHandle)}`;
}
