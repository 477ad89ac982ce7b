// SPDX-License-Identifier: Apache-2.0
import type { AcceptedValue, LeaseMessage, LeaseValue, Proposer } from '@vnfpool/wire/lease';
import type { ReadySuccessor } from './hand-over.ts';
import type { HeirNow } from './hold.ts';
import { type Basis, Proposing } from './proposing.ts';
import type { Slot } from './slot.ts';
import { listedAfter, proposedValue } from './value.ts';

/** A round that stands and is its successor's as soon as the holder lets go. */
export interface Reserved {
  readonly proposer: Proposer;
  /** Of the word that the successor waits for. */
  readonly handOnSerial: number;
  readonly round: number;
  readonly value: LeaseValue;
  /** Up to this one the holder's rounds end with its release. */
  readonly endedRound: number;
  /** By which of its answers an heir counts its lease; null: the round was reserved, and it counts from its `ready`. */
  readonly answeredSerial: number | null;
}

/** What a holder that lets go hands on to its heir, without asking anybody. */
export function inherited(
  slot: Slot,
  { proposer, holder, handOnSerial, round, answeredSerial }: HeirNow,
  former: AcceptedValue,
): Reserved {
  const { definition, context } = slot;
  const listed = listedAfter(definition, { holder }, former.value, undefined);
  const value = proposedValue(definition, holder, listed, false, context.random.u64());
  return { proposer, handOnSerial, round, value, endedRound: round - 1, answeredSerial };
}

/**
 * The second half of a round that a holder decides for its successor, while it still acts by the one before. What it let out last is
 * nobody's: it does not list itself, and what it came to by a loss ends with it.
 */
export class Reserving extends Proposing {
  readonly #successor: ReadySuccessor;
  readonly #endedRound: number;

  constructor(
    slot: Slot,
    { round, endedRound }: Pick<Reserved, 'round' | 'endedRound'>,
    successor: ReadySuccessor,
    { former, listing }: Basis,
    nowMs: number,
  ) {
    const candidates = listing.candidates?.filter(({ node }) => node !== slot.context.node);
    const basis = { former, lossMark: false, listing: { ...listing, candidates } };
    super(slot, round, successor.holder, basis, nowMs);
    this.#successor = successor;
    this.#endedRound = endedRound;
  }

  get reserved(): Reserved {
    const { proposer, handOnSerial } = this.#successor;
    const { round, value } = this;
    return { proposer, handOnSerial, round, value, endedRound: this.#endedRound, answeredSerial: null };
  }

  protected override request(): LeaseMessage {
    const { round, serial, value } = this;
    const { incarnation: successorIncarnation } = this.#successor.proposer;
    return { type: 'reserve', slot: this.slot.id, serial, round, successorIncarnation, value };
  }
}
