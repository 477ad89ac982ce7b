// SPDX-License-Identifier: Apache-2.0
import type { AcceptedValue } from '@vnfpool/wire/lease';
import type { SlotDefinition } from '@vnfpool/wire/mobility';
import { epochOf } from '../identity.ts';
import type { Council, SlotContext } from './context.ts';
import type { Granted } from './handed-on.ts';
import { Knowledge } from './knowledge.ts';
import type { Tally } from './tally.ts';

/** What all parts of one slot's proposer share: how the slot is defined and what is known of it. */
export class Slot {
  readonly id: string;
  readonly context: SlotContext;
  readonly knowledge: Knowledge;
  definition: SlotDefinition;

  constructor(context: SlotContext, definition: SlotDefinition, nowMs: number) {
    this.id = definition.id;
    this.context = context;
    this.definition = definition;
    this.knowledge = new Knowledge(nowMs);
  }

  get leaseMs(): number {
    return this.definition.leaseMs;
  }

  get council(): Council {
    return this.context.council();
  }

  /** Whether this node may try for the slot and hold it. */
  get hasFitClock(): boolean {
    return this.context.trusts(this.context.node);
  }

  epoch(round: number): number {
    return epochOf(this.council.generation, round);
  }

  /** A value of this node's as members keep it. */
  asAccepted({ round, value }: Pick<Granted, 'round' | 'value'>): AcceptedValue {
    const { node, incarnation } = this.context;
    return { round, proposer: { node, incarnation }, value, released: null };
  }

  nextSerial(): number {
    return this.context.nextSerial();
  }

  /** The members that a repetition goes to. */
  unanswered(tally: Tally): number[] {
    return this.council.members.filter((member) => !tally.has(member));
  }
}
