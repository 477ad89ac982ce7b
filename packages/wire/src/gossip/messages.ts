// SPDX-License-Identifier: Apache-2.0

/*
 * What instances of an N-way active pool tell each other of state that merges: our own protocol, version 2. One message
 * is one unit of whatever carries it. docs/gossip.md has the rules.
 */

/** One life of an instance: its origin id, and a number that grows with every start. */
export interface GossipReplica {
  readonly origin: number;
  readonly incarnation: bigint;
}

/** Everything that this replica did up to `version`, a whole number up to 2^53 - 1, is known; 0: nothing. */
export interface ReplicaVersion extends GossipReplica {
  readonly version: number;
}

/** An origin that is gone for good, up to and with this incarnation; what it left is the heir's, from the heir's `version` on. */
export interface GossipFloor extends GossipReplica {
  readonly heir: ReplicaVersion;
}

/** One step of one replica, which has this place in the message's list of replicas. */
export interface GossipDot {
  readonly replica: number;
  readonly version: number;
}

/** What one step left in a cell. */
export type CellValue =
  /** All that the replica added and took away here. */
  | { readonly kind: 'counter'; readonly plus: number; readonly minus: number }
  /** `time`: of the hybrid clock, 48 bits of milliseconds and 16 of a count. */
  | { readonly kind: 'register'; readonly time: bigint; readonly value: Uint8Array }
  | { readonly kind: 'element' };

export type CellKind = CellValue['kind'];

/** Which cell: one register or counter of a key, or one element of its set. */
export interface CellPlace {
  readonly kind: CellKind;
  readonly key: Uint8Array;
  /** Empty unless the kind is `element`. */
  readonly element: Uint8Array;
}

export interface GossipEntry extends GossipDot {
  readonly value: CellValue;
}

/** A cell as its sender has it. Dots that the sender knows and that are not among the entries are no more. */
export interface GossipCell extends CellPlace {
  /** Dots known here beyond the vector of the message, by replica in the order of their places. */
  readonly seen: readonly GossipDot[];
  /** At most one a replica, in the order of their places. */
  readonly entries: readonly GossipEntry[];
}

/** What every message says of its sender. */
interface Sender {
  readonly sender: GossipReplica;
}

/** What a sender knows: at most `REPLICAS_MAX` replicas and `FLOORS_MAX` floors. */
interface Knowledge extends Sender {
  readonly replicas: readonly ReplicaVersion[];
  readonly floors: readonly GossipFloor[];
}

/** What a sender's memory has. */
interface Summed {
  /** Sum of 64 bits over all entries of its cells: whoever knows the same has the same. Null: it may not be compared now. */
  readonly digest: bigint | null;
}

/** What I know. Who knows more sends it; with `wantsAnswer`, who knows less says so by a digest of its own. */
export interface GossipDigest extends Knowledge, Summed {
  readonly type: 'digest';
  readonly wantsAnswer: boolean;
}

/** Steps of one replica without a gap: that of version `from` + 1 touched `cells[steps[0]]`, and so on. */
export interface GossipRun {
  /** Place in the list of replicas. */
  readonly replica: number;
  readonly from: number;
  /** Places in the list of cells, at least one. */
  readonly steps: readonly number[];
}

/** Steps that the receiver did not know, in the order of their versions, and the cells that they touched. */
export interface GossipDelta extends Knowledge, Summed {
  readonly type: 'delta';
  /** There is more than fits: ask again. */
  readonly hasMore: boolean;
  readonly cells: readonly GossipCell[];
  readonly runs: readonly GossipRun[];
}

/** The steps that you lack are not kept any more: ask for everything. */
export interface GossipBehind extends Sender {
  readonly type: 'behind';
}

/** Give me the cells behind this place; null: from the first one. */
export interface GossipRequest extends Sender {
  readonly type: 'request';
  readonly after: CellPlace | null;
}

/** All cells behind `after` up to and with `until` (null: the last one), in order. What is not listed there is no more. */
export interface GossipPart extends Knowledge {
  readonly type: 'part';
  readonly after: CellPlace | null;
  readonly until: CellPlace | null;
  readonly cells: readonly GossipCell[];
}

/** Every message of the protocol. */
export type GossipMessage = GossipDigest | GossipDelta | GossipBehind | GossipRequest | GossipPart;

/** Longest message. */
export const GOSSIP_BYTES_MAX = 61_440;
/** Longest key, element and value of a register. */
export const OCTETS_MAX = 1024;
/** Most replicas in a message, and so in a state. */
export const REPLICAS_MAX = 256;
/** Most origins that are gone for good. */
export const FLOORS_MAX = 128;
/** Largest time of a register: what is behind it cannot be told any more. */
export const TIME_MAX = 0x7fff_ffff_ffff_ffffn;
