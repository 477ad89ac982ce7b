// SPDX-License-Identifier: Apache-2.0
import type { KeyUpdate, ReplicationHolder, ReplicationStandby } from '@vnfpool/core/replication';
import type { Link } from './link.ts';
import type { RefillPauses } from './refill-pauses.ts';

/** What a holder's agent does beside its core. */
export interface Reign {
  readonly node: number;
  readonly epoch: number;
  readonly core: ReplicationHolder;
  readonly links: Map<number, Link>;
  /** Of those that it is connected with. */
  readonly lives: Map<number, number>;
  readonly pauses: RefillPauses;
  /** What it wants the council to list, and what it knows to be listed. */
  wanted: Set<number>;
  stored: Set<number>;
  /** The list of the word that is under way, or was the last. */
  asked: Set<number>;
  isAsking: boolean;
  /** Its fence is open and its function runs. */
  isActing: boolean;
  /** Given and not taken yet. */
  waiting: KeyUpdate[];
  isEnding: boolean;
  /** Up to where it has told that it was acknowledged. */
  acknowledged: number;
}

/** Of whoever goes first where nobody of the list is left: the latest. */
export function rank({ isWhole, position }: ReplicationStandby): number {
  return isWhole ? position.sequence : -1;
}

export function sameSet(a: ReadonlySet<number>, b: ReadonlySet<number>): boolean {
  return a.size === b.size && [...a].every((each) => b.has(each));
}
