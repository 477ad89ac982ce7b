// SPDX-License-Identifier: Apache-2.0

/*
 * The direct channel between two nodes on which the state of a function moves: our own protocol, version 1.
 * docs/state-transfer.md has layouts and rules. Counts of octets and sessions are whole numbers up to 2^53 - 1.
 */
import type { SessionForward } from '../function-socket/messages.ts';
import type { SessionInformation } from '../mobility/information.ts';

/** What becomes of the source: it ends, it goes on beside the copy, or it goes on without the selected sessions. */
export type TransferMode = 'move' | 'copy' | 'sessions';

/** A part of the state: all of it while serving, what changed since the part before, and the rest while quiesced. */
export type PartKind = 'snapshot' | 'delta' | 'last';

/** Why a transfer was given up, by either side. */
export type CancelReason =
  /** Somebody ordered it. */
  | 'cancelled'
  /** State changes faster than it moves, or the last delta would take longer than the allowed pause. */
  | 'would-not-converge'
  /** A digest or a count does not fit. */
  | 'integrity'
  /** The peer broke a rule of the protocol. */
  | 'protocol'
  /** The function failed to give, take or activate its state. */
  | 'function'
  /** A deadline passed. */
  | 'timeout'
  /** More state than the destination takes. */
  | 'resources';

/** What a destination can say of a transfer; `unknown`: it has no record of it, which is no outcome. */
export type TransferOutcome = 'undecided' | 'committed' | 'aborted' | 'unknown';

/** Whose state moves where. */
export interface TransferPair {
  /** 16 octets, made by the manager for this transfer. */
  readonly token: Uint8Array;
  /** Node ID of the source. */
  readonly source: number;
  /** Node ID of the destination. */
  readonly destination: number;
  /** Function ID at the source. */
  readonly functionId: number;
}

/** Source to destination, first on its connection: opens the transfer. */
export interface StateHello extends TransferPair {
  readonly type: 'hello';
  readonly mode: TransferMode;
  /** Function ID at the destination; another one for a copy with a number of its own. */
  readonly targetFunctionId: number;
  /** Which sessions, as a union; empty unless the mode is `sessions`. At most `SELECTION_MAX`. */
  readonly selection: readonly SessionInformation[];
}

/** Destination to source: go on, up to this many octets before the first `credit`. */
export interface StateWelcome {
  readonly type: 'welcome';
  readonly windowBytes: number;
  /** Mode `sessions`: where the function takes packets of the sessions that it will own; absent: nowhere. */
  readonly forward?: SessionForward;
}

/** Destination to source, in place of `welcome`; the connection closes behind it. */
export interface StateRefuse {
  readonly type: 'refuse';
  /** Number of extension 4 of the mobility protocol, 3 for an unknown token; 0 when none fits. */
  readonly errorNumber: number;
  /** For people, at most 1,024 octets. */
  readonly text: string;
}

/** A part begins. The first is the snapshot, number 0; each further one has the next number. */
export interface StateBegin {
  readonly type: 'begin';
  readonly part: number;
  readonly kind: PartKind;
  /** What the source expects this part to have; null when it cannot tell. */
  readonly bytesExpected: number | null;
}

/** Some octets of the part, 1 to `STATE_CHUNK_BYTES_MAX`. How they are cut says nothing. */
export interface StateChunk {
  readonly type: 'chunk';
  readonly octets: Uint8Array;
}

/** The part is complete. */
export interface StateMark {
  readonly type: 'mark';
  readonly part: number;
  readonly bytes: number;
  readonly crc: number;
  /** Of all parts so far. */
  readonly totalBytes: number;
  readonly totalCrc: number;
  /** How many sessions the source has to hand over now; null when the function does not count. */
  readonly sessions: number | null;
}

/** The part arrived whole, and the function at the destination has taken it in. */
export interface StateMarked {
  readonly type: 'marked';
  readonly part: number;
  readonly totalBytes: number;
  readonly totalCrc: number;
}

/** The source may send chunks until the total of all parts is `untilBytes`. Never falls. */
export interface StateCredit {
  readonly type: 'credit';
  readonly untilBytes: number;
}

/** After `marked` of the last part: own the sessions. From its sending on the source waits for the outcome. */
export interface StateCommit {
  readonly type: 'commit';
  readonly totalBytes: number;
  readonly totalCrc: number;
}

/** The destination owns the sessions, for good. */
export interface StateCommitted {
  readonly type: 'committed';
  readonly sessions: number | null;
}

/** The sender gives up. From the destination it is final whenever it comes. */
export interface StateCancel {
  readonly type: 'cancel';
  readonly reason: CancelReason;
  /** For people, at most 1,024 octets. */
  readonly text: string;
}

/** Source to destination, first on a new connection: how did it end? Opens nothing. */
export interface StateAsk extends TransferPair {
  readonly type: 'ask';
}

/** The answer to `ask`. After `undecided` the source commits on this connection. */
export interface StateOutcome {
  readonly type: 'outcome';
  readonly outcome: TransferOutcome;
  readonly sessions: number | null;
}

/** Nothing else to say. */
export interface StateAlive {
  readonly type: 'alive';
}

/** Every message of the state channel. */
export type StateMessage =
  | StateHello
  | StateWelcome
  | StateRefuse
  | StateBegin
  | StateChunk
  | StateMark
  | StateMarked
  | StateCredit
  | StateCommit
  | StateCommitted
  | StateCancel
  | StateAsk
  | StateOutcome
  | StateAlive;

/** Octets of a token. */
export const TRANSFER_TOKEN_BYTES = 16;
/** Most entries of a selection. */
export const SELECTION_MAX = 256;
/** Most octets of a text. */
export const STATE_TEXT_BYTES_MAX = 1024;
