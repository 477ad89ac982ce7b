// SPDX-License-Identifier: Apache-2.0
import type { LeaseCouncilVersion, StoredRegister } from '@vnfpool/wire/lease';

/** How often a council has changed; enough to tell two of one set apart. */
export type CouncilNumber = Pick<LeaseCouncilVersion, 'generation' | 'number'>;

/** What a member must never forget about one slot. The last record of a slot replaces the earlier ones. */
export interface SlotRecord extends StoredRegister {
  readonly type: 'slot';
  readonly slot: string;
  /** The council in which the member began to vote: it then knew all that was decided in the one before. */
  readonly voice: CouncilNumber;
}

/** A council: who grants, under which version. */
export interface CouncilMembers {
  readonly version: LeaseCouncilVersion;
  /** Node IDs. */
  readonly members: readonly number[];
}

/**
 * Where the members of a council have their registers from: `birth`: the first council of a set has none to take over;
 * `change`: a majority of the former council, which is sealed by it; `forced`: an operator's decision, all that is left.
 */
export type CouncilOrigin =
  | { readonly type: 'birth' }
  | { readonly type: 'change'; readonly former: CouncilMembers }
  | { readonly type: 'forced' };

/** The council that this node works under. */
export interface CouncilRecord extends CouncilMembers {
  readonly type: 'council';
  readonly origin: CouncilOrigin;
  /** Told and stored, but not in force: it refuses nothing, and whoever hears of it being in force follows. */
  readonly next: CouncilMembers | null;
  /** This node worked under the former council until it took this one: it can say what it kept, and what it did not. */
  readonly isWitness: boolean;
  /** Another council of the same generation was heard of: two forced decisions, of which a person has to choose. */
  readonly rival: LeaseCouncilVersion | null;
}

/** Whether this node's clock was found to run at another rate than the others': a restart does not mend it. */
export interface ClockRecord {
  readonly type: 'clock';
  readonly isOutside: boolean;
}

export type LeaseRecord = SlotRecord | CouncilRecord | ClockRecord;
