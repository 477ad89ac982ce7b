// SPDX-License-Identifier: Apache-2.0
import { identifierSum } from './checksum.ts';
import type { Holding, Placed } from './holding.ts';

interface Owner {
  readonly holdings: Set<Holding>;
  /** Of the words of all blocks. */
  sum: number;
}

/** Which elements each home registrar owns, and the sum for its checksum. */
export class Owners {
  readonly #owners = new Map<number, Owner>();

  add(id: number, holding: Holding): void {
    let owner = this.#owners.get(id);
    if (owner === undefined) {
      owner = { holdings: new Set(), sum: 0 };
      this.#owners.set(id, owner);
    }
    owner.holdings.add(holding);
    owner.sum += blockSum(holding);
  }

  delete(id: number, holding: Holding): void {
    const owner = this.#owners.get(id);
    if (owner?.holdings.delete(holding) !== true) return;
    owner.sum -= blockSum(holding);
    if (owner.holdings.size === 0) this.#owners.delete(id);
  }

  count(id: number): number {
    return this.#owners.get(id)?.holdings.size ?? 0;
  }

  sum(id: number): number {
    return this.#owners.get(id)?.sum ?? 0;
  }

  /** Live: what is added while the iterator stands still comes at its end, what is removed does not come. */
  *holdings(id: number): Generator<Placed, void, undefined> {
    for (let owner = this.#owners.get(id), last: Owner | undefined; owner !== last; ) {
      last = owner;
      yield* owner?.holdings ?? [];
      // It had lost everything, and has new elements since.
      owner = this.#owners.get(id);
    }
  }
}

function blockSum({ pool, element }: Placed): number {
  return pool.handleSum + identifierSum(element.id);
}
