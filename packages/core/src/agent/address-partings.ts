// SPDX-License-Identifier: Apache-2.0
import type { PassedOn, SlotRefusal } from '@vnfpool/wire/mobility';
import type { NodeLeasesInput, NodeLeasesOutput } from '../lease/index.ts';

/** A slot that cannot be served whole is offered to others this often at most: they may not be able to, either. */
const AGAIN_MS = 30_000;
/** Each time that it is offered again soon the time to the next doubles, up to this. */
const AGAIN_MS_MAX = 3_600_000;

export interface PartingTarget {
  readonly node: number;
  readonly functionId: number;
}

interface Parting {
  readonly targets: PartingTarget[];
  readonly begunAtMs: number;
  /** From then to the next. */
  readonly againMs: number;
  /** Why it is offered. */
  readonly why: SlotRefusal | undefined;
  nonce: string;
}

/** Slots that their holder cannot serve whole, offered to the other candidates one after the other. */
export class AddressPartings {
  readonly #partings = new Map<string, Parting>();
  readonly #passedOn = new Map<string, PassedOn>();

  /**
   * The next hand-over to order: to the first of `targets`, or to the one after it when the last order failed. Undefined: nobody is
   * left, or all were asked lately.
   * @param why this node cannot serve it whole
   */
  next(
    slot: string,
    targets: readonly PartingTarget[],
    why: SlotRefusal | undefined,
    nowMs: number,
  ): NodeLeasesInput | undefined {
    const former = this.#partings.get(slot);
    if (former !== undefined && former.nonce !== '') return this.#order(slot, former, nowMs);
    if (former !== undefined && nowMs < former.begunAtMs + former.againMs) return undefined;
    const isSoon = former !== undefined && nowMs < former.begunAtMs + 3 * former.againMs;
    const againMs = isSoon ? Math.min(2 * former.againMs, AGAIN_MS_MAX) : AGAIN_MS;
    const parting = { targets: [...targets], begunAtMs: nowMs, againMs, why, nonce: '' };
    this.#partings.set(slot, parting);
    return this.#order(slot, parting, nowMs);
  }

  /** When the slot may be offered anew; never while it is on offer. */
  dueAtMs(slot: string): number {
    const parting = this.#partings.get(slot);
    if (parting === undefined) return 0;
    return parting.nonce === '' ? parting.begunAtMs + parting.againMs : Number.POSITIVE_INFINITY;
  }

  /** Whether a hand-over that failed was one of ours. */
  isOurs(slot: string, nonce: string): boolean {
    return nonce !== '' && this.#partings.get(slot)?.nonce === nonce;
  }

  /** The slot is held here no more: by the order that is under way, if it was handed over. */
  left({ slot, epoch, reason }: NodeLeasesOutput & { type: 'lost' }): void {
    const { nonce = '', why } = this.#partings.get(slot) ?? {};
    if (nonce !== '' && why !== undefined && reason === 'handover')
      this.#passedOn.set(slot, { epoch: String(epoch), ...why });
    this.end(slot);
  }

  /** How the last holding ended, if it was by such an order. */
  passedOn(slot: string): PassedOn | undefined {
    return this.#passedOn.get(slot);
  }

  /** It is held here again, or it is gone. */
  forget(slot: string): void {
    this.#passedOn.delete(slot);
    this.end(slot);
  }

  /** The slot may have come back whole. */
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
