// SPDX-License-Identifier: Apache-2.0

import type { SessionForward } from '@vnfpool/wire/function-socket';
/*
 * What goes into and comes out of the two ends of a transfer of state. docs/state-transfer.md has the rules. Outputs are
 * carried out in order, and what follows a `persist` only when that record is on disk.
 */
import type {
  CancelReason,
  PartKind,
  StateAsk,
  StateHello,
  StateMessage,
  TransferMode,
  TransferPair,
} from '@vnfpool/wire/state-channel';
import type { ConnectionId } from '../mobility/types.ts';
import type { TransferRules } from './rules.ts';

/** Why a transfer ended without success. */
export type AbortReason = CancelReason | 'lost-connection' | 'refused' | 'verdict';

/** How a transfer ended, for whoever ordered it. */
export type TransferEnd =
  | {
      readonly outcome: 'committed';
      /** Sessions handed over; null: the function does not count. */
      readonly sessions: number | null;
      /** From the order to quiesce until the sessions had an owner again, as the source saw it; null at the destination. */
      readonly pauseMs: number | null;
    }
  | {
      readonly outcome: 'aborted';
      readonly reason: AbortReason;
      /** For extension 4 of the mobility protocol; null when none of its numbers fits. */
      readonly errorNumber: number | null;
      readonly text: string;
    };

/** What the arbiter decided. */
export type Verdict = 'committed' | 'aborted';

/** The transfer as both ends know it beforehand: from the manager's order. */
export interface TransferOrder extends TransferPair {
  readonly mode: TransferMode;
  /** Function ID at the destination. */
  readonly targetFunctionId: number;
}

/** Octets and times of a transfer that goes on. */
export interface TransferReport {
  readonly phase: SourcePhase | DestinationPhase;
  /** Octets of state sent or received so far. */
  readonly bytes: number;
  /** What all of it is expected to be; null while nobody can tell. */
  readonly bytesTotal: number | null;
  readonly bytesPerSecond: number;
  /** How fast the state changes; 0 while it is not known. */
  readonly changePerSecond: number;
  readonly expectedPauseMs: number | null;
  /** From now on. */
  readonly expectedEndMs: number | null;
}

// ---------------------------------------------------------------- both

/** From the connections of the state channel. */
export type ChannelInput =
  | { readonly type: 'message'; readonly connection: ConnectionId; readonly message: StateMessage }
  /** A frame that does not decode, or a length that no frame has. */
  | { readonly type: 'malformed'; readonly connection: ConnectionId; readonly reason: string }
  | { readonly type: 'disconnected'; readonly connection: ConnectionId };

export type ChannelOutput =
  | { readonly type: 'send'; readonly connection: ConnectionId; readonly message: StateMessage }
  /** Closes after what was sent before. */
  | { readonly type: 'close'; readonly connection: ConnectionId; readonly reason: string };

/** From those who order transfers. */
export type OrderInput =
  /** Heeded until the source sends `commit`, and at the destination until that arrives; without effect later. */
  { readonly type: 'cancel' } | { readonly type: 'verdict'; readonly verdict: Verdict };

/** CRC-32 of octets behind those of which `before` is the checksum, as `crc32` of the state channel. */
export type Checksum = (octets: Uint8Array, before: number) => number;

// ---------------------------------------------------------------- source

/**
 * `connecting`, then `transferring` while serving, `quiescing` and `last` during the pause; `doubt` from the sending of
 * `commit` until its outcome is known.
 */
export type SourcePhase =
  | 'connecting'
  | 'transferring'
  | 'quiescing'
  | 'last'
  | 'doubt'
  | 'committed'
  | 'aborted';

/** What the source has to know after a restart of its process. */
export interface SourceRecord extends TransferOrder {
  readonly phase: 'doubt' | 'committed';
  readonly totalBytes: number;
  readonly totalCrc: number;
  /** Mode `sessions`: where the destination takes their packets; absent: nowhere. */
  readonly forward?: SessionForward;
}

export interface SourceOptions {
  readonly order: TransferOrder;
  /** Mode `sessions`: which, at least one; empty for the others. */
  readonly selection?: StateHello['selection'];
  /**
   * The function serves by a lease that the source holds: in doubt it goes on, for the destination does not serve before
   * the lease has followed. Default false.
   */
  readonly isLeased?: boolean;
  /** What the function says its state has, octets. */
  readonly sizeBytes?: number;
  /** The longest pause that the last delta may be expected to cause. Default 1000. */
  readonly pauseMaxMs?: number;
  /** Quiesced longer than this without a complete last delta: given up. Default 5000, at least `pauseMaxMs`. */
  readonly pauseLimitMs?: number;
  /** Deltas before the last. Default 16. */
  readonly deltasMax?: number;
  /** From the order to the answer to `hello`. Default 5000. */
  readonly connectMs?: number;
  /** Function or peer without progress. Default 30,000. */
  readonly progressMs?: number;
  /** The whole of it, up to the pause. Default 600,000. */
  readonly transferMs?: number;
  /** Something is sent at least this often. Default 1000. */
  readonly aliveMs?: number;
  /** Nothing heard for this long is a lost connection. Default 5000. */
  readonly silenceMs?: number;
  /** In doubt the manager is asked after, and each, of these. Default 2000. */
  readonly inquireMs?: number;
  /** Default `crc32`; a host may have the same in machine code. */
  readonly checksum?: Checksum;
  /** For simulations that break them. */
  readonly rules?: TransferRules;
}

export type SourceInput =
  | ChannelInput
  | OrderInput
  | { readonly type: 'start' }
  /** The answer to `connect`. */
  | { readonly type: 'connected'; readonly connection: ConnectionId }
  | { readonly type: 'connect-failed'; readonly reason: string }
  /** One for each `export` or `pull`: 1 octet to `EXPORT_CHUNK_BYTES_MAX`. They are not copied, and must stay until `pull`. */
  | { readonly type: 'exported-chunk'; readonly part: number; readonly octets: Uint8Array }
  /** In place of a chunk: the part is complete. */
  | {
      readonly type: 'exported';
      readonly part: number;
      readonly sessions: number | null;
      /** The function's own word, octets per second; null: measure it. */
      readonly changePerSecond: number | null;
    }
  | { readonly type: 'quiesced' }
  /** Exporting or quiescing failed. */
  | { readonly type: 'failed'; readonly reason: string }
  /** The answer to `finish`. */
  | { readonly type: 'finished' };

export type SourceOutput =
  | ChannelOutput
  /** To the destination of the order; at most one attempt at a time. */
  | { readonly type: 'connect' }
  /** The function is to give this part, the first chunk at once. */
  | { readonly type: 'export'; readonly part: number; readonly kind: PartKind }
  /** The next chunk, or the end. */
  | { readonly type: 'pull'; readonly part: number }
  /** The function is to stop serving what moves. */
  | { readonly type: 'quiesce' }
  /** It serves as before; an export that still runs is stopped. May come though it never stopped. */
  | { readonly type: 'resume' }
  /** Its state is owned elsewhere: the function ends (`move`) or forgets the selected sessions (`sessions`). */
  | {
      readonly type: 'finish';
      readonly mode: 'move' | 'sessions';
      /** Mode `sessions`: where the destination takes their packets; absent: nowhere. */
      readonly forward?: SessionForward;
    }
  /** Replaces the record of this transfer; null: none any more. */
  | { readonly type: 'persist'; readonly record: SourceRecord | null }
  /** Tell the manager that the outcome is not known here; it answers by `verdict`, some time. */
  | { readonly type: 'inquire' }
  | ({ readonly type: 'ended' } & TransferEnd);

// ---------------------------------------------------------------- destination

/** `prepared` until the channel opens; `ready` when all state is in; `activating` from `commit` on. */
export type DestinationPhase =
  | 'prepared'
  | 'importing'
  | 'ready'
  | 'activating'
  | 'discarding'
  | 'committed'
  | 'aborted';

/** What the destination has to know after a restart of its process. */
export interface DestinationRecord extends TransferOrder {
  readonly phase: 'open' | 'committed' | 'aborted';
  readonly sessions: number | null;
}

export interface DestinationOptions {
  readonly order: TransferOrder;
  /** When the token expires if it was not used. */
  readonly tokenUntilMs: number;
  /** Mode `sessions`: where the function takes packets of sessions that come to it. Default nowhere. */
  readonly forward?: SessionForward;
  /** Octets that may be under way or waiting for the function. Default 2 MiB. */
  readonly windowBytes?: number;
  /** Most octets of one transfer. Default 64 GiB. */
  readonly bytesMax?: number;
  /** Most parts. Default 64. */
  readonly partsMax?: number;
  /** Source or function without progress. Default 30,000. */
  readonly progressMs?: number;
  readonly aliveMs?: number;
  readonly silenceMs?: number;
  /** How long complete state waits for `commit`. Default 30,000. */
  readonly holdMs?: number;
  /** Complete state without a connection: the manager is asked after, and each, of these. Default 2000. */
  readonly inquireMs?: number;
  /** How long the outcome is kept for a source that asks. Default 600,000. */
  readonly retainMs?: number;
  readonly checksum?: Checksum;
  readonly rules?: TransferRules;
}

export type DestinationInput =
  | ChannelInput
  | OrderInput
  | { readonly type: 'start' }
  /** A connection whose first message names this token; `peer` is the node its certificate names, null without one. */
  | {
      readonly type: 'opened';
      readonly connection: ConnectionId;
      readonly peer: number | null;
      readonly message: StateHello | StateAsk;
    }
  /** The function has taken in so many octets more. */
  | { readonly type: 'consumed'; readonly bytes: number }
  /** The answer to `import-end`; sessions that it now has of this transfer, null: not counted. */
  | { readonly type: 'imported'; readonly part: number; readonly sessions: number | null }
  /** The answer to `activate`. */
  | { readonly type: 'activated' }
  /** Importing or activating failed. */
  | { readonly type: 'failed'; readonly reason: string }
  /** That copy of the function has ended, for good; not because of `discard`. */
  | { readonly type: 'gone' }
  /** The answer to `discard`. */
  | { readonly type: 'discarded' };

export type DestinationOutput =
  | ChannelOutput
  /** A part begins; the function is told what it is part of. */
  | {
      readonly type: 'import';
      readonly part: number;
      readonly kind: PartKind;
      readonly mode: TransferMode;
      readonly selection: StateHello['selection'];
    }
  /** Octets for the function, in order; they share memory with the message. */
  | { readonly type: 'import-chunk'; readonly part: number; readonly octets: Uint8Array }
  /** The part was whole. */
  | { readonly type: 'import-end'; readonly part: number }
  /** The function owns the sessions from now on. May come again after a restart. */
  | { readonly type: 'activate'; readonly mode: TransferMode; readonly sessions: number | null }
  /** It forgets what it imported and owns nothing of it. */
  | { readonly type: 'discard' }
  | { readonly type: 'persist'; readonly record: DestinationRecord | null }
  | { readonly type: 'inquire' }
  /** May be told anew after a restart; the newest is true. */
  | ({ readonly type: 'ended' } & TransferEnd)
  /** The outcome was kept long enough: this object is of no more use. */
  | { readonly type: 'forgotten' };

/** Largest chunk that a function may hand in. */
export const EXPORT_CHUNK_BYTES_MAX = 1_048_576;
