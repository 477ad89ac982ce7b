// SPDX-License-Identifier: Apache-2.0
import type { LinkFault } from './link-faults.ts';

/** A rule that is broken on purpose: the world has to notice. */
export interface ReplicationMutation {
  /** A standby acknowledges what it has received, and takes it a while later. */
  readonly acknowledgesFirst?: true;
  /** A standby with updates that nobody else has goes on as if it had not. */
  readonly hidesItsWay?: true;
  /** Where nothing may be lost, one acknowledgement is enough, whoever else may take over. */
  readonly releasesAtFirst?: true;
  /** Where standbys are to acknowledge, an update is told as settled when it is taken. */
  readonly settlesWhenTaken?: true;
  /** The holder does not look at how old it is what a standby lacks. */
  readonly ignoresAge?: true;
  /** The holder goes on without a standby that the council still lists. */
  readonly unlistsItselfFirst?: true;
  /** Who comes to the list is told to the council before the holder counts on it. */
  readonly listsBehindHolder?: true;
  /** Where this has happened to a frame, its standby compares no digest any more, and takes what comes as the next. */
  readonly blindTo?: LinkFault;
  /** The holder does not look whether what is acknowledged is a mark that it sent. */
  readonly believesAnyAcknowledgement?: true;
  /** An acknowledgement that comes twice counts as those of two standbys. */
  readonly countsTwice?: true;
  /** A standby does not look at its memory. */
  readonly neverLooks?: true;
  /** The holder does not look at its own. */
  readonly holderNeverLooks?: true;
  /** Whose state differs again and again is filled anew at once. */
  readonly fillsAtOnce?: true;
  /** Nobody asks the function for what is damaged at its holder. */
  readonly asksForNothing?: true;
}

export const REPLICATION_MUTATIONS: readonly (readonly [string, ReplicationMutation])[] = [
  ['a standby that acknowledges before it has it', { acknowledgesFirst: true }],
  ['a standby that hides that it went another way', { hidesItsWay: true }],
  ['a holder that releases at the first acknowledgement', { releasesAtFirst: true }],
  ['a holder that waits for nobody who is to acknowledge', { settlesWhenTaken: true }],
  ['a holder that goes on however old it is what a standby lacks', { ignoresAge: true }],
  ['a holder that takes a standby off its list before the council does', { unlistsItselfFirst: true }],
  ['a standby that may take over before the holder waits for it', { listsBehindHolder: true }],
  ['a standby that does not notice that something is missing', { blindTo: 'lost' }],
  ['a standby that takes damaged updates for what was sent', { blindTo: 'damaged' }],
  ['a standby for which an update that comes twice is two', { blindTo: 'doubled' }],
  ['a standby that takes updates in the order in which they come', { blindTo: 'swapped' }],
  ['a standby that takes an update of a former connection for one of this', { blindTo: 'old' }],
  ['a holder that believes whatever is acknowledged', { believesAnyAcknowledgement: true }],
  ['a holder for which an acknowledgement that comes twice is of two', { countsTwice: true }],
  ['a standby that never looks for damage in its memory', { neverLooks: true }],
  ['a holder that never looks for damage in its memory', { holderNeverLooks: true }],
  ['a holder that fills anew at once whoever differs again and again', { fillsAtOnce: true }],
  ['a holder that does not have its function tell anew what is damaged', { asksForNothing: true }],
];
