// SPDX-License-Identifier: Apache-2.0
import type { GossipMessage } from '@vnfpool/wire/gossip';
import type { DigestsView } from './digests.ts';

/** A change made here. Keys, elements and values: at most 1,024 octets. */
export type Update =
  /** By a whole number, also below 0. */
  | { readonly type: 'count'; readonly key: Uint8Array; readonly by: number }
  /** The register's new value. */
  | { readonly type: 'write'; readonly key: Uint8Array; readonly value: Uint8Array }
  /** Into, and out of, the key's set. */
  | { readonly type: 'add'; readonly key: Uint8Array; readonly element: Uint8Array }
  | { readonly type: 'discard'; readonly key: Uint8Array; readonly element: Uint8Array }
  /** Register, counter and set of this key. */
  | { readonly type: 'remove'; readonly key: Uint8Array };

/** Why an update was refused. Nothing of it was done. */
export type Refusal =
  /** More than `cellsMax`, `octetsMax`, `replicasMax`. */
  | 'cells'
  | 'octets'
  | 'replicas'
  /** A key, element or value is too long, or a count no whole number, or the sum would pass 2^53 - 1. */
  | 'value'
  /** A register's time was at the end of all times. */
  | 'clock'
  /** This life of the instance was declared gone. */
  | 'gone'
  /** Others know steps of this incarnation that were not made in this life: it has to start with a higher one. */
  | 'incarnation';

/** Why an origin could not be declared gone. */
export type ForgetRefusal =
  | 'self'
  | 'floors'
  /** What it left is damaged in our memory. */
  | 'damaged'
  | Refusal;

export type GossipInput =
  /** Origin ids of those with whom state is shared, without our own; all of them, each time. */
  | { readonly type: 'peers'; readonly origins: readonly number[] }
  /** `wallMs`: milliseconds since 1970, of whatever clock; only the times of registers are made of it. */
  | { readonly type: 'update'; readonly update: Update; readonly wallMs: number }
  /**
   * This origin is gone for good up to and with this incarnation. Its values become ours. To be told to one instance only,
   * when no peer knows more of it than we do: what nobody but it and them knew is lost.
   */
  | { readonly type: 'forget'; readonly origin: number; readonly incarnation: bigint }
  | { readonly type: 'message'; readonly from: number; readonly message: GossipMessage };

export type GossipEvent =
  | { readonly type: 'refused'; readonly reason: Refusal }
  | { readonly type: 'not-forgotten'; readonly origin: number; readonly reason: ForgetRefusal }
  /** An origin's life began, as its first message tells. */
  | { readonly type: 'peer-began'; readonly origin: number; readonly incarnation: bigint }
  /** A message brought more than twice what is allowed here, or too many replicas: it was not taken. */
  | { readonly type: 'overflow'; readonly from: number }
  /** Somebody gives us everything, from now on; has given it; did not go on. */
  | { readonly type: 'walk-began' | 'walk-ended' | 'walk-abandoned'; readonly from: number }
  /** It knows the same as we do, and has something else; has the same again. */
  | { readonly type: 'differs' | 'agrees'; readonly from: number }
  /** Memory had so many more pieces otherwise than they came, or the digest of them (0); all of them are as others have them again. */
  | { readonly type: 'damaged'; readonly count: number }
  | { readonly type: 'mended' }
  /** More peers than `peersMax`: those behind are not spoken to. */
  | { readonly type: 'too-many-peers'; readonly count: number }
  /** This life cannot change anything any more: see `Refusal`. */
  | { readonly type: 'retired'; readonly reason: 'gone' | 'incarnation' };

export type GossipOutput =
  | { readonly type: 'send'; readonly to: number; readonly message: GossipMessage }
  /** Keys of which something may have changed, by whomever. */
  | { readonly type: 'changed'; readonly keys: readonly Uint8Array[] }
  | { readonly type: 'event'; readonly event: GossipEvent };

/** For views: how far a peer is, as it last said itself. */
export interface PeerLag {
  readonly origin: number;
  /** Steps known here and not there; an upper bound, as its last message tells. */
  readonly versionsBehind: number;
  /** About how many octets of cells these touched; where it lacks very many, or they are not kept, of all. */
  readonly octetsBehind: number;
  /** How long it lacks the first of them, to about a second; 0: it lacks none, or for less. */
  readonly behindMs: number;
  /** Since its last message; null: none came. */
  readonly sinceExchangeMs: number | null;
  readonly digests: DigestsView;
}
