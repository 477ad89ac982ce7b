// SPDX-License-Identifier: Apache-2.0
import { epochOf } from '@vnfpool/core';
import type { LeaseRecord } from '@vnfpool/core/lease';
import type { LeaseMessage, Renewal } from '@vnfpool/wire/lease';

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

  /** node/incarnation/serial → what was asked to be renewed. */
  readonly #asked = new Map<string, readonly Renewal[]>();

  constructor(generation: number) {
    this.#generation = generation;
  }

  /** How many epochs were granted. */
  get grants(): number {
    return this.#granted.size;
  }

  /** How often a node found that its own clock is not to be relied on. */
  clocksLeft = 0;
  clocksBack = 0;

  clockJudged(isOutside: boolean): void {
    if (isOutside) this.clocksLeft += 1;
    else this.clocksBack += 1;
  }

  /** No epoch is used by two holders. */
  granted(slot: string, epoch: number, holder: string): void {
    const key = `${slot}/${epoch}`;
    const former = this.#granted.get(key);
    if (former !== undefined)
      throw new Violation(`epoch ${epoch} of ${slot} granted twice: ${former}, ${holder}`);
    this.#granted.set(key, holder);
  }

  persisted(member: number, records: readonly LeaseRecord[]): void {
    for (const record of records) {
      if (record.type !== 'slot') continue;
      const { slot, accepted, promised } = record;
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

  sent(node: number, incarnation: bigint, to: number, message: LeaseMessage): void {
    if (message.type === 'renew-many') {
      this.#asked.set(`${node}/${incarnation}/${message.serial}`, message.renewals);
    } else if (message.type === 'renewed-many') {
      const asked = this.#asked.get(`${to}/${message.incarnation}/${message.serial}`);
      for (const [index, { slot, round }] of (asked ?? []).entries())
        if (message.renewed[index]) this.#notReleased(node, slot, round, 'renewed');
    } else if (message.type === 'renewed' || message.type === 'accepted') {
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

  /** A release is final at the member that took it. */
  #notReleased(member: number, slot: string, round: number, what: string): void {
    if (this.#released.has(`${member}/${slot}/${round}`)) {
      throw new Violation(`member ${member} ${what} round ${round} of ${slot} after its release`);
    }
  }
}
