// SPDX-License-Identifier: Apache-2.0

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
}

export const REPLICATION_MUTATIONS: readonly (readonly [string, ReplicationMutation])[] = [
  ['a standby that acknowledges before it has it', { acknowledgesFirst: true }],
  ['a standby that hides that it went another way', { hidesItsWay: true }],
  ['a holder that releases at the first acknowledgement', { releasesAtFirst: true }],
  ['a holder that waits for nobody who is to acknowledge', { settlesWhenTaken: true }],
  ['a holder that goes on however old it is what a standby lacks', { ignoresAge: true }],
  ['a holder that takes a standby off its list before the council does', { unlistsItselfFirst: true }],
  ['a standby that may take over before the holder waits for it', { listsBehindHolder: true }],
];
