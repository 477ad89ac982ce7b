// SPDX-License-Identifier: Apache-2.0
import type { BusinessCard } from '@vnfpool/wire/asap';
import type { PoolElement } from '@vnfpool/wire/parameters';
import { poolKey } from '../handlespace/pool-key.ts';

/**
 * Who stands in when the element in use fails: first those of its business card, in its order, then whom the
 * registrar names; in one failover nobody twice until all were tried.
 * @see RFC 5352 §3.9
 */
export class StandIns {
  readonly #poolHandle: Uint8Array;
  readonly #most: number;
  #recommended: readonly PoolElement[] = [];
  readonly #tried = new Set<number>();

  constructor(poolHandle: Uint8Array, most: number) {
    this.#poolHandle = poolHandle;
    this.#most = most;
  }

  /** False: the card is of another pool, and says nothing. More than the limit are not kept. */
  take(card: BusinessCard): boolean {
    if (poolKey(card.poolHandle) !== poolKey(this.#poolHandle)) return false;
    this.#recommended = card.elements.slice(0, this.#most);
    return true;
  }

  tried(id: number): void {
    this.#tried.add(id);
  }

  /** A new failover: everybody may be tried again. */
  reset(): void {
    this.#tried.clear();
  }

  /** By the business card; undefined: there is none, or all of it were tried. */
  recommended(): PoolElement | undefined {
    return this.#recommended.find(({ id }) => !this.#tried.has(id));
  }

  /** Of these, the preferred one first; undefined: all were tried. */
  among(elements: readonly PoolElement[]): PoolElement | undefined {
    return elements.find(({ id }) => !this.#tried.has(id));
  }
}
