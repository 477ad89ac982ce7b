// SPDX-License-Identifier: Apache-2.0
import type { ReplicaMessage, ReplicaPosition, ReplicaSecret } from '@vnfpool/wire/replication';

/** Marks without an answer, or that do not come, after which the other end counts as silent. */
export const SILENT_MARKS = 3;
/** Marks without an answer after which a connection is ended, and tried anew: something on it is broken, or it leads nowhere. */
export const GONE_MARKS = 50;

/** What the function says: a key has a value, or is no more. */
export interface KeyUpdate {
  readonly key: string;
  readonly value: Uint8Array | null;
  /** Absent: nothing of it is secret. */
  readonly secret?: ReplicaSecret;
}

/** What may be lost when the holder dies, and what happens before more could be. */
export interface ReplicationBound {
  /**
   * Updates that a listed standby may be behind; 0: none, what they bring about is held until all listed ones have
   * confirmed it, and of such updates `OUTSTANDING_MAX` may be under way.
   */
  readonly updates: number;
  /**
   * Time in ms between the first and the last of the updates that may be lost; absent: any. Nothing more is taken once a listed standby
   * lacks an update of this age, whatever `overload` is; at half of it its removal is asked for.
   */
  readonly ageMs?: number;
  /**
   * Listed standbys that must have confirmed an update before it counts as acknowledged, and what it brings about may leave; of what waits
   * for them `OUTSTANDING_MAX` updates may be under way. 0: it waits for none. Default 1 where `updates` is 0, else 0.
   */
  readonly acknowledgedBy?: number;
  /**
   * When a standby comes near the bound: `block`, further updates wait; `degrade`, its removal from the list is asked
   * for ahead of that. Whoever is silent, or near the bound of age, is removed either way: waiting would not make it younger.
   */
  readonly overload: 'block' | 'degrade';
  /** Single updates may be held until all listed standbys have confirmed them, though of others some may be lost. */
  readonly defers?: boolean;
}

/** How many have to have an update, with the default. */
export function acknowledgersOf({ updates, acknowledgedBy }: ReplicationBound): number {
  return acknowledgedBy ?? (updates === 0 ? 1 : 0);
}

/** Whether what an update brings about is held until it is acknowledged; else it may leave when the update is taken. */
export function isHeldBy(bound: ReplicationBound): boolean {
  return bound.updates === 0 || acknowledgersOf(bound) > 0;
}

export type HolderInput =
  /** The function has changed something. At most {@link ReplicationHolder.room} of them are taken. */
  | {
      readonly type: 'update';
      readonly updates: readonly KeyUpdate[];
      /** What they bring about waits until `confirmed`; with a bound that `defers`. */
      readonly isDeferred?: boolean;
    }
  /**
   * The holder keeps some keys otherwise, and nobody outside can tell: what was let out does not rest upon it, so all that there is room
   * for is taken at once, before `ready` too. Standbys get it as any update.
   */
  | { readonly type: 'rewrite'; readonly updates: readonly KeyUpdate[] }
  /** A connection to a standby; replaces a former one. */
  | { readonly type: 'attach'; readonly standby: number }
  | { readonly type: 'detach'; readonly standby: number }
  | { readonly type: 'message'; readonly standby: number; readonly message: ReplicaMessage }
  /** What came from a standby is no message. */
  | { readonly type: 'garbled'; readonly standby: number; readonly reason: string }
  /** Who may take the slot over, as the council has it now: these are within the bound. */
  | { readonly type: 'list'; readonly standbys: readonly number[] }
  /** The slot is given up by a planned hand-over: no update follows. */
  | { readonly type: 'end' };

export type HolderOutput =
  | { readonly type: 'send'; readonly standby: number; readonly message: ReplicaMessage }
  /** Close the connection. */
  | { readonly type: 'drop'; readonly standby: number; readonly reason: string }
  /** So many of the updates of this input are in, up to `sequence`; the others are to be given again, see `refused`. */
  | {
      readonly type: 'taken';
      readonly count: number;
      readonly sequence: number;
      /** Why not all: `room` comes, or the state is at its own bound. */
      readonly refused: 'waits' | 'full' | null;
    }
  /** Updates wait no more. */
  | { readonly type: 'room' }
  /** What the bound asks for was confirmed up to here: what these updates brought about may leave. */
  | { readonly type: 'acknowledged'; readonly sequence: number }
  /** All that may take over have it up to here: what was deferred may leave. */
  | { readonly type: 'confirmed'; readonly sequence: number }
  /** Every listed standby has confirmed this epoch: the holder may begin. */
  | { readonly type: 'ready' }
  /** It has to leave the list before more may happen. */
  | { readonly type: 'unlist'; readonly standby: number; readonly reason: UnlistReason }
  /** It may be listed: it has all but what is on its way. */
  | { readonly type: 'caught-up'; readonly standby: number }
  /**
   * Values of these keys in the holder's own copy are not what the function told: they were damaged in memory, and go to nobody. Told when there
   * are more of them, and when there are none any more. What the function says of such a key makes it whole.
   */
  | { readonly type: 'damaged'; readonly keys: readonly string[] }
  /** A standby knows a later epoch: this holder is none any more. */
  | { readonly type: 'superseded'; readonly epoch: number }
  | {
      readonly type: 'event';
      readonly severity: 'info' | 'warning' | 'error';
      readonly standby: number;
      readonly message: string;
    };

export type UnlistReason =
  /** It is half the bound behind. */
  | 'behind'
  /** It lacks an update of half the bound's age. */
  | 'age'
  /** It did not answer. */
  | 'silent'
  /** Its state is another. */
  | 'differs'
  /** What it lacks is damaged in the holder's own copy, and was not told anew within three marks. */
  | 'damage';

export type StandbyInput =
  /** A connection of a holder; replaces a former one. */
  | { readonly type: 'attach' }
  | { readonly type: 'detach' }
  | { readonly type: 'message'; readonly message: ReplicaMessage }
  /** This node's council member has accepted this epoch: state of earlier ones is refused. */
  | { readonly type: 'epoch'; readonly epoch: number };

export type StandbyOutput =
  | { readonly type: 'send'; readonly message: ReplicaMessage }
  | { readonly type: 'drop'; readonly reason: string }
  /**
   * The state is a holder's again, or one of another epoch; or it is none any more while it is being replaced; or nothing more comes, and
   * this is how far it came.
   */
  | { readonly type: 'state'; readonly isWhole: boolean; readonly position: ReplicaPosition }
  /** The state has come to a mark, where it was asked for: these keys may have changed; null: any may have. */
  | { readonly type: 'reached'; readonly keys: readonly string[] | null }
  /** The holder ended its epoch here, by a planned hand-over. */
  | { readonly type: 'ended'; readonly sequence: number }
  | { readonly type: 'event'; readonly severity: 'info' | 'warning' | 'error'; readonly message: string };

/** What a holder knows of one standby, for views. */
export interface StandbyView {
  readonly standby: number;
  readonly isListed: boolean;
  readonly state: 'away' | 'opening' | 'filling' | 'following' | 'silent';
  /** Confirmed; null: nothing under this epoch. */
  readonly sequence: number | null;
  readonly lagUpdates: number;
  /** Age of the oldest update that it lacks. */
  readonly lagMs: number;
  /** Weight of the keys that changed behind what it confirmed; of one that lacks very many keys that of all the state. */
  readonly lagBytes: number;
  /** Last round trip of a mark; null: none yet. */
  readonly roundTripMs: number | null;
  /** Since it said anything; null: it never did under this epoch. */
  readonly silentMs: number | null;
  /** Weight of what was sent to it and is not confirmed: what is kept for it, the state itself left aside. */
  readonly underWayBytes: number;
  /** Under this epoch, over all its connections; and the weight of these. */
  readonly updatesSent: number;
  readonly bytesSent: number;
  /** How often all of the state was sent to it. */
  readonly fills: number;
  /** Marks at which its digest was that of the holder, and how often it had another state. */
  readonly agreed: number;
  readonly differed: number;
  /** Since the last that agreed; null: none has. */
  readonly sinceAgreedMs: number | null;
  /** It had another state, and its digests have not agreed for five seconds since. */
  readonly isDiffering: boolean;
  /** Until it is filled anew, after it has differed again and again; null: there is no such pause. */
  readonly filledInMs: number | null;
  /** It lacks what is damaged in the holder's own copy. */
  readonly isHeldUp: boolean;
  /**
   * How often its stream ended as one end refused, or did not understand, what the other one said; why the last did, and whether that was in the last
   * five seconds. A standby that does not know the slot yet, or knows a later holder, is not among these. Null: it never did.
   */
  readonly breaks: { readonly times: number; readonly reason: string; readonly isAmid: boolean } | null;
}
