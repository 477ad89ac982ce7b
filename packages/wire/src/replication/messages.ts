// SPDX-License-Identifier: Apache-2.0

/*
 * The stream by which the holder of a slot keeps its standbys' state equal to its own: our own protocol, version 1.
 * docs/replication.md has layouts and rules. Epochs, sequences and counts are whole numbers up to 2^53 - 1.
 */

/** A point in the life of a slot's state: `sequence` updates, the last of which were made under `epoch`. */
export interface ReplicaPosition {
  /** 0: nothing was ever received. */
  readonly epoch: number;
  readonly sequence: number;
}

/** One key is something else from now on. */
export interface ReplicaUpdate {
  /** Above that of every update sent before on this connection. Numbers between two belong to updates that later ones of the same keys replaced. */
  readonly sequence: number;
  /** Octets as characters U+0000 to U+00FF, 1 to `REPLICA_KEY_BYTES_MAX`. */
  readonly key: string;
  /** At most `REPLICA_VALUE_BYTES_MAX` octets; null: the key is no more. */
  readonly value: Uint8Array | null;
  /** Absent: nothing of it is secret. */
  readonly secret?: ReplicaSecret;
}

/**
 * The function marked the key as secret.
 * - `value`: between agents the value is sealed, see `docs/replication.md`; between an agent and its function it is as it is
 * - `name`: the value stayed where it was made, and there is none here: the next holder makes it anew
 */
export type ReplicaSecret = 'value' | 'name';

/** What the holder's state is, at a moment when all of it was sent. */
export interface ReplicaMark {
  readonly sequence: number;
  /** Keys there are. */
  readonly keys: number;
  /** Of all keys and values, and of whose state it is at which sequence: see `docs/replication.md`. */
  readonly digest: bigint;
  /** Clock of the holder in microseconds, for it alone: it comes back with the acknowledgement. */
  readonly clockUs: number;
}

/** Holder to standby, first on the connection. */
export interface ReplicaOpen {
  readonly type: 'open';
  /** 16 hexadecimal digits. */
  readonly slot: string;
  readonly epoch: number;
  /** Where each epoch began, ascending, the holder's own last: 1 to `REPLICA_HISTORY_MAX`. */
  readonly history: readonly ReplicaPosition[];
  /** A mark comes at least this often, in ms. */
  readonly everyMs: number;
}

/** Standby to holder, in answer to `open`: what it has, and what weight of updates may be on their way. */
export interface ReplicaAt extends ReplicaPosition {
  readonly type: 'at';
  readonly windowBytes: number;
}

export type ReplicaRefusal =
  /** It has seen a later epoch. */
  | 'old-epoch'
  /** It keeps no state of this slot. */
  | 'unknown-slot'
  /** No room. */
  | 'resources'
  /** A rule of the protocol was broken. */
  | 'protocol';

/** Standby to holder; the connection closes behind it. */
export interface ReplicaRefuse {
  readonly type: 'refuse';
  readonly reason: ReplicaRefusal;
  /** Highest epoch that the standby knows of. */
  readonly epoch: number;
  /** For people, at most 1,024 octets. */
  readonly text: string;
}

/** Holder to standby: from where the updates go on, which follow. */
export interface ReplicaResume {
  readonly type: 'resume';
  /** `whole`: all keys follow, and what the standby has is to be replaced by them at the next mark. */
  readonly from: number | 'whole';
}

export interface ReplicaUpdates {
  readonly type: 'updates';
  /** In ascending order of sequence; may be empty beside a mark. */
  readonly updates: readonly ReplicaUpdate[];
  /** With these the standby's state is the holder's; null: there is more to come. */
  readonly mark: ReplicaMark | null;
}

/** Standby to holder. */
export interface ReplicaAck {
  readonly type: 'ack';
  /** Of the last mark whose state the standby has. */
  readonly sequence: number;
  /** Weight of all updates on this connection so far, see {@link replicaWeight}. */
  readonly bytes: number;
  /** Of that mark; 0: none on this connection. */
  readonly clockUs: number;
}

/** Standby to holder: its state is another than a mark says. It asks for the whole by it. */
export interface ReplicaDiffers {
  readonly type: 'differs';
  readonly sequence: number;
  readonly keys: number;
  readonly digest: bigint;
}

/** Holder to standby: nothing follows, the holder gives the slot up by a planned hand-over. */
export interface ReplicaEnd {
  readonly type: 'end';
  readonly sequence: number;
}

export type ReplicaMessage =
  | ReplicaOpen
  | ReplicaAt
  | ReplicaRefuse
  | ReplicaResume
  | ReplicaUpdates
  | ReplicaAck
  | ReplicaDiffers
  | ReplicaEnd;

export const REPLICA_KEY_BYTES_MAX = 1024;
export const REPLICA_VALUE_BYTES_MAX = 65_536;
/** Of a secret, before it is sealed: the seal has room for all that may open it. */
export const REPLICA_SECRET_BYTES_MAX = 61_440;
export const REPLICA_HISTORY_MAX = 64;
/** Octets of a whole frame. */
export const REPLICA_FRAME_BYTES_MAX = 262_144;
/** Octets of the length field, which it does not count. */
export const REPLICA_HEADER_BYTES = 4;
export const REPLICA_TEXT_BYTES_MAX = 1024;
