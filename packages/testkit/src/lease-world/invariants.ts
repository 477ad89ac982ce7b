// SPDX-License-Identifier: Apache-2.0
import { epochOf } from '@vnfpool/core';
import type { LeaseRecord, SlotRecord } from '@vnfpool/core/lease';
import type { LeaseMessage } from '@vnfpool/wire/lease';

/** Thrown at the step that breaks a promise. */
export class Violation extends Error {}

/** Follows everything that all nodes do and checks what must hold after every step. */
export class Invariants {
  readonly #generation: number;
  /** slot/epoch → who was granted it. */
  readonly #granted = new Map<string, string>();
  /** slot/round → proposer and random id of its value. */
  readonly #values = new Map<string, string>();
  /** member/slot/round that the member durably knows as released. */
  readonly #released = new Set<string>();
  /** node/incarnation/slot → highest epoch whose release was sent. */
  readonly #ended = new Map<string, number>();
  /** member/slot/round that the member has on disk as promised or accepted. */
  readonly #durable = new Set<string>();
  /** member/slot → highest round that the member promised, and to whom. */
  readonly #promised = new Map<string, { readonly round: number; readonly whose: string }>();
  /** slot → who holds it; since `mayChange` went. */
  readonly #holders = new Map<string, number>();
  #mayChange = true;

  constructor(generation: number) {
    this.#generation = generation;
  }

  /** How many epochs were granted. */
  get grants(): number {
    return this.#granted.size;
  }

  /** No epoch is used by two holders. */
  granted(slot: string, epoch: number, holder: string): void {
    const key = `${slot}/${epoch}`;
    const former = this.#granted.get(key);
    if (former !== undefined)
      throw new Violation(`epoch ${epoch} of ${slot} granted twice: ${former}, ${holder}`);
    this.#granted.set(key, holder);
  }

  /** Without a fault nobody takes a slot from its holder. */
  holderIs(slot: string, node: number, nowMs: number): void {
    const former = this.#holders.get(slot);
    this.#holders.set(slot, node);
    if (!this.#mayChange && former !== node) {
      throw new Violation(
        `${slot} went from node ${former} to ${node} at ${nowMs.toFixed(1)} ms without a cause`,
      );
    }
  }

  /** From now on there is no reason for anybody but the holders to act. */
  rest(): void {
    this.#mayChange = false;
  }

  persisted(member: number, records: readonly LeaseRecord[]): void {
    for (const record of records) {
      if (record.type !== 'slot') continue;
      const { slot, accepted, promised } = record;
      this.#promiseKept(member, record);
      this.#durable.add(`${member}/${slot}/promise/${promised.round}`);
      this.#durable.add(`${member}/${slot}/accepted/${accepted.round}`);
      if (accepted.round > 0) {
        const key = `${slot}/${accepted.round}`;
        const value = `${accepted.proposer.node}.${accepted.proposer.incarnation} ${accepted.value.randomId}`;
        const former = this.#values.get(key);
        if (former === undefined) this.#values.set(key, value);
        else if (former !== value) throw new Violation(`two values in round ${key}: ${former}, ${value}`);
        if (accepted.released !== null) this.#released.add(`${member}/${slot}/${accepted.round}`);
        else this.#notReleased(member, slot, accepted.round, 'accepted');
      }
      if (promised.closed) this.#released.add(`${member}/${slot}/${promised.round}`);
    }
  }

  sent(node: number, incarnation: bigint, message: LeaseMessage): void {
    if (message.type === 'promise' || message.type === 'accepted') {
      if (!this.#durable.has(`${node}/${message.slot}/${message.type}/${message.round}`)) {
        throw new Violation(`member ${node} said ${message.type} ${message.round} before it was on its disk`);
      }
    }
    if (message.type === 'renewed' || message.type === 'accepted') {
      this.#notReleased(node, message.slot, message.round, message.type);
    } else if (message.type === 'release' && message.reason !== 'abandoned') {
      const key = `${node}/${incarnation}/${message.slot}`;
      const epoch = epochOf(this.#generation, message.round);
      this.#ended.set(key, Math.max(this.#ended.get(key) ?? 0, epoch));
    }
  }

  /** The holder never acts again under a round whose release it sent. */
  fenceOrdered(node: number, incarnation: bigint, slot: string, epoch: number): void {
    const ended = this.#ended.get(`${node}/${incarnation}/${slot}`);
    if (ended !== undefined && epoch <= ended) {
      throw new Violation(`node ${node} acts under epoch ${epoch} of ${slot} after releasing ${ended}`);
    }
  }

  /** At most one fence of a slot is open. */
  fences(slot: string, open: readonly number[]): void {
    if (open.length > 1) throw new Violation(`fences of ${slot} open at nodes ${open.join(' and ')}`);
  }

  /** A member promises higher and higher rounds, each to one proposer. */
  #promiseKept(member: number, { slot, promised: { round, proposer } }: SlotRecord): void {
    const key = `${member}/${slot}`;
    const whose = `${proposer.node}.${proposer.incarnation}`;
    const former = this.#promised.get(key);
    if (
      former !== undefined &&
      (round < former.round || (round === former.round && whose !== former.whose))
    ) {
      throw new Violation(
        `member ${member} promised round ${former.round} of ${slot} to ${former.whose}, then ${round} to ${whose}`,
      );
    }
    this.#promised.set(key, { round, whose });
  }

  /** A release is final at the member that took it. */
  #notReleased(member: number, slot: string, round: number, what: string): void {
    if (this.#released.has(`${member}/${slot}/${round}`)) {
      throw new Violation(`member ${member} ${what} round ${round} of ${slot} after its release`);
    }
  }
}
