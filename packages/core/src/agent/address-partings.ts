// SPDX-License-Identifier: Apache-2.0
import type { NodeLeasesInput } from '../lease/index.ts';

/** A slot whose link is missing is offered to others this often at most: they may lack it too. */
const AGAIN_MS = 30_000;

export interface PartingTarget {
  readonly node: number;
  readonly functionId: number;
}

interface Parting {
  readonly targets: PartingTarget[];
  readonly begunAtMs: number;
  nonce: string;
}

/** Slots that their holder cannot serve whole, offered to the other candidates one after the other. */
export class AddressPartings {
  readonly #partings = new Map<string, Parting>();

  /**
   * The next hand-over to order: to the first of `targets`, or to the one after it when the last order failed. Undefined: nobody is
   * left, or all were asked lately.
   */
  next(slot: string, targets: readonly PartingTarget[], nowMs: number): NodeLeasesInput | undefined {
    const former = this.#partings.get(slot);
    if (former !== undefined && former.nonce !== '') return this.#order(slot, former, nowMs);
    if (former !== undefined && nowMs < former.begunAtMs + AGAIN_MS) return undefined;
    const parting = { targets: [...targets], begunAtMs: nowMs, nonce: '' };
    this.#partings.set(slot, parting);
    return this.#order(slot, parting, nowMs);
  }

  /** Whether a hand-over that failed was one of ours. */
  isOurs(slot: string, nonce: string): boolean {
    return nonce !== '' && this.#partings.get(slot)?.nonce === nonce;
  }

  /** The slot may have gone, or come back whole. */
  end(slot: string): void {
    const parting = this.#partings.get(slot);
    if (parting !== undefined) parting.nonce = '';
  }

  #order(slot: string, parting: Parting, nowMs: number): NodeLeasesInput | undefined {
    const to = parting.targets.shift();
    parting.nonce = '';
    if (to === undefined) return undefined;
    // Tells it apart from orders of the manager and from the one before.
    const number = BigInt(Math.floor(nowMs)) * 0x100n + BigInt(parting.targets.length & 0xff);
    parting.nonce = number.toString(16).slice(-16);
    return { type: 'hand-over', slot, to, nonce: parting.nonce };
  }
}
