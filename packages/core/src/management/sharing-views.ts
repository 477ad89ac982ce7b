// SPDX-License-Identifier: Apache-2.0

/** What was settled of the sharing of state for a pool. */
export interface PoolSharingView {
  /** What its instances go by; null: there was none yet that they could. */
  readonly method: 'none' | 'cookie' | 'checkpoint' | 'replicate' | 'gossip' | 'shared' | 'conntrack' | null;
  /** In words: `replicate per key, opaque kv/1, held by 1 standby`. */
  readonly level: string;
  /** Why this one. */
  readonly reason: string;
  /** What a failover loses, as the end of a sentence. */
  readonly loses: string;
  readonly since: number | null;
  /** After so long without a candidate that has the state somebody may take a slot without it; null: never. */
  readonly lastResortMs: number | null;
  /** Levels that were considered, each with the rule that refused it; `by` is who offers it, null: the pool. */
  readonly notUsed: readonly {
    readonly by: string | null;
    readonly level: string;
    readonly rule: string;
    readonly verdict: string;
  }[];
  /** Of method `gossip`: at each node with an instance; absent: of another one. */
  readonly merged?: readonly MergedStateView[];
}

/** The mergeable state of a pool at one node, as it told last. */
export interface MergedStateView {
  readonly node: string;
  /** By the wall clock of the manager. */
  readonly at: number;
  /** Counters, registers and elements of sets. */
  readonly cells: number;
  readonly bytes: number;
  /** Lives of nodes that left something in it; 256 is the bound. */
  readonly replicas: number;
  /** That are known there: what they grow by is the rate of changes; absent: its agent is of an earlier version. */
  readonly steps?: number;
  /** Pieces that its memory had otherwise than they came, since the replica there is; absent: its agent is of an earlier version. */
  readonly damaged?: number;
  /** Empty: nothing is wrong. */
  readonly trouble: string;
  readonly peers: readonly MergedPeerView[];
}

/** What a node knows of another one with the same mergeable state. */
export interface MergedPeerView {
  readonly node: string;
  /** Steps known here and not there, as it last said itself. */
  readonly behind: number;
  /** About how many octets of pieces these touched; absent: the agent here is of an earlier version. */
  readonly behindBytes?: number;
  /** How long it lacks the first of these, in whole seconds; absent: the agent here is of an earlier version. */
  readonly behindMs?: number;
  /** Since it was last heard here, in whole seconds. */
  readonly silentMs: number;
  readonly isSilent: boolean;
  /** How its digest compares with the one here, whenever both know the same; absent: the agent here is of an earlier version. */
  readonly digests?: {
    /** Times that it was another one, since the present life of the peer is known. */
    readonly differed: number;
    /** Since it was the same, in whole seconds; null: it never was. */
    readonly agreedMs: number | null;
    /** It was another one when they were last compared. */
    readonly isDiffering: boolean;
  };
}

/** How the state of a slot goes to its standbys, or to a store, as its holder told last. */
export interface SlotSharingView {
  readonly method: 'replicate' | 'conntrack' | 'checkpoint' | 'shared';
  /** As many standbys have the state as were agreed on, one at least; or the store has it. All of it is told. */
  readonly isProtected: boolean;
  /** Its holder may have begun without some of the state. */
  readonly isLossy: boolean;
  /** What a failover now would lose, and what is wrong, in a sentence. */
  readonly verdict: string;
  /** Null: its holder has told nothing of it. */
  readonly state: {
    readonly at: number;
    readonly keys: number;
    readonly bytes: number;
    /** Number of the last update. */
    readonly sequence: number;
    readonly updatesPerSecond: number;
    /** Updates that wait for room, or to be confirmed. */
    readonly waiting: number;
  } | null;
  /** What is to be looked at now, each a sentence, though as many as were agreed on have the state; absent: nothing. */
  readonly alarms?: readonly string[];
  readonly standbys: readonly StandbyStateView[];
  /** What the store has; absent: the state does not go to one, or its holder has told nothing of it. */
  readonly checkpoint?: {
    /** Number of the last update that it has. */
    readonly sequence: number;
    /** Age of the oldest change that it has not; 0: it has all. */
    readonly ageMs: number;
    /** Octets of the changes that it has not; absent: its holder is of an earlier version. */
    readonly lagBytes?: number;
    /** Why the last try failed; empty: it did not. */
    readonly fault: string;
  };
  /** Events of connections that the kernel lost since the slot is held; absent: none, or it is another state. */
  readonly overruns?: {
    readonly times: number;
    /** Some were lost, and not all is listed anew, or this happened in the last five seconds. */
    readonly isAmid: boolean;
  };
  /** Values that were damaged in the memory of the holder's node, since the slot is held, and that are so now: no standby is given them. Absent: none were. */
  readonly damage?: { readonly found: number; readonly now: number };
  /** Why not all of the state is told to anybody; absent: it is. */
  readonly fault?: string;
  /** Connections of the holder's function that were refused since the slot is held; absent: none were. */
  readonly refusals?: number;
  /** First packets that wait until the standbys have their flow, since the slot is held; absent: none do. */
  readonly firstPackets?: {
    /** Flows whose first packet waits now. */
    readonly waiting: number;
    readonly released: number;
    readonly dropped: number;
  };
}

/** What an operator took upon himself by letting somebody take a slot without its state, as it was known then. */
export interface AcceptedLossView {
  readonly at: number;
  /** When a holder told of it last; null: none has, and all the rest is unknown. */
  readonly toldAt: number | null;
  /** What it lacked then. What was changed since is not known. */
  readonly lagUpdates: number | null;
  readonly lagBytes: number | null;
  readonly lagMs: number | null;
  /** How its digest compared with that of the holder. */
  readonly digests: 'agreed' | 'differed' | 'unknown';
  /** When it agreed last; null: never, or unknown. */
  readonly agreedAt: number | null;
  /** When the holder heard it last; null: never, or unknown. */
  readonly heardAt: number | null;
  /** All of it in a sentence. */
  readonly words: string;
}

export interface StandbyStateView {
  /** Name of the instance there; null: none of the pool is. */
  readonly instance: string | null;
  readonly node: string;
  /** It may take over. */
  readonly isListed: boolean;
  readonly state: 'away' | 'opening' | 'filling' | 'following' | 'silent';
  readonly lagUpdates: number;
  readonly lagMs: number;
  readonly lagBytes: number;
  /** Null: not measured yet. */
  readonly roundTripMs: number | null;
  /** What goes to it; absent: its holder is of an earlier version. */
  readonly stream?: {
    /** Since it said anything; null: it has not since the slot is held. */
    readonly silentMs: number | null;
    readonly updatesPerSecond: number;
    readonly bytesPerSecond: number;
    /** Since the slot is held. */
    readonly updatesSent: number;
    readonly bytesSent: number;
    /** Sent and not confirmed: the memory that it takes at the holder. */
    readonly underWayBytes: number;
    /** How often all of the state was sent, since the slot is held. */
    readonly fills: number;
  };
  /** How its digests compare with those of the holder, since the slot is held; absent: its holder is of an earlier version. */
  readonly digests?: {
    readonly agreed: number;
    readonly differed: number;
    /** By the wall clock of the manager; null: none has. */
    readonly agreedAt: number | null;
    /** It had another state, and they have not agreed for five seconds since. */
    readonly isDiffering: boolean;
    /** Before it is filled anew, as it has differed again and again; absent: there is no such pause. */
    readonly filledInMs?: number;
  };
  /** Times that its stream ended as one end refused, or did not understand, what the other one said, since the slot is held; absent: it never did. */
  readonly breaks?: {
    readonly times: number;
    /** Of the last one. */
    readonly reason: string;
    /** The last one was less than five seconds ago. */
    readonly isAmid: boolean;
  };
}
