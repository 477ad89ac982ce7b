// SPDX-License-Identifier: Apache-2.0
import type { AcceptedValue, LeaseHolder, LeaseValue } from '@vnfpool/wire/lease';
import type { SlotDefinition } from '@vnfpool/wire/mobility';
import type { HandedOnAnswer } from './answered.ts';
import type { HandedOnClocks } from './clock-judge.ts';
import type { Candidate } from './turn.ts';

/**
 * What one process of a node hands on to the next, which goes on as the same incarnation, beside what is in the journal.
 * Moments are of CLOCK_BOOTTIME, in ms, so it means nothing after a start of the machine.
 */
export interface HandedOnLeases {
  /** The last serial of a request, and the last of a question for a register: no answer to an old one fits a new one. */
  readonly serial: number;
  readonly fetchSerial: number;
  /** Until when the member neither promises nor accepts for others, after the last start that was one. */
  readonly muteUntilMs: number;
  /** Until when the leases run that the member has granted. */
  readonly registers: readonly { readonly slot: string; readonly leaseUntilMs: number }[];
  /** Up to which of their requests this node has answered; absent: it did not say. */
  readonly answered?: readonly HandedOnAnswer[];
  readonly slots: readonly HandedOnSlot[];
  readonly clocks: HandedOnClocks;
}

export interface HandedOnSlot {
  readonly definition: SlotDefinition;
  /** No round up to this one is ever begun again. */
  readonly highestRound: number;
  /** Without a word on its state it lacks nothing, as none was shared. */
  readonly candidate: (Omit<Candidate, 'state'> & Partial<Pick<Candidate, 'state'>>) | null;
  /** Held here, with the fence open and nothing else under way; null: not held. */
  readonly hold: HandedOnHold | null;
}

export interface HandedOnHold extends Granted {
  readonly leaseUntilMs: number;
}

/** A proposal that a majority has accepted. */
export interface Granted {
  readonly round: number;
  readonly holder: LeaseHolder;
  readonly value: LeaseValue;
  /** What it followed on. */
  readonly former: AcceptedValue;
  readonly firstSentMs: number;
}
