// SPDX-License-Identifier: Apache-2.0
import type { AcceptedValue, LeaseHolder, LeaseMessage, LeaseValue } from '@vnfpool/wire/lease';
import { Attempt, type Echo } from './attempt.ts';
import type { Listing } from './hold.ts';
import type { Slot } from './slot.ts';
import { listedAfter, proposedValue } from './value.ts';

/** What a proposal rests on. */
export interface Basis {
  /** Highest value that the promises reported: what this round follows on. */
  readonly former: AcceptedValue;
  readonly lossMark: boolean;
  readonly listing: Listing;
}

/** The second half of a round: members are asked to accept its value. */
export class Proposing extends Attempt {
  readonly value: LeaseValue;
  readonly former: AcceptedValue;
  /** Of the word on the list that this has regard to. */
  readonly listSerial: number;

  constructor(
    slot: Slot,
    round: number,
    holder: LeaseHolder,
    { former, lossMark, listing }: Basis,
    nowMs: number,
  ) {
    super(slot, round, slot.nextSerial(), holder, nowMs);
    this.former = former;
    this.listSerial = listing.serial;
    const { definition, context } = slot;
    const list = listedAfter(definition, { holder }, former.value, listing.candidates);
    this.value = proposedValue(definition, holder, list, lossMark, context.random.u64());
  }

  /** Counts an acceptance; true once the value stands. */
  accepted(from: number, message: Echo): boolean {
    if (!this.isAnsweredBy(message)) return false;
    this.tally.add(from);
    return this.slot.context.rules.isGranted(this.tally.count, this.slot.council.majority);
  }

  protected override request(): LeaseMessage {
    const { round, serial, value } = this;
    return { type: 'accept', slot: this.slot.id, serial, round, value };
  }
}
