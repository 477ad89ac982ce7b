// SPDX-License-Identifier: Apache-2.0

/*
 * Connection-tracking entries as one gateway hands them to another. Numbers of states and flags are those of Linux,
 * which keeps them stable; nothing here depends on a host's byte order.
 */

/** What tells flows between two addresses apart. Null: the protocol has nothing of that kind. */
export type FlowLayer4 =
  /** TCP, UDP, UDP-Lite, SCTP, DCCP: ports. GRE: keys. 16 bits each. */
  | { readonly kind: 'ports'; readonly source: number; readonly destination: number }
  /** ICMP and ICMPv6: type and code 8 bits, identifier 16 bits. */
  | { readonly kind: 'icmp'; readonly type: number; readonly code: number; readonly id: number }
  | null;

/** One direction of a flow. Addresses are 4 or 16 octets. */
export interface FlowTuple {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  /** IP protocol number. */
  readonly protocol: number;
  readonly layer4: FlowLayer4;
}

/** For which direction a zone counts. */
export type FlowZoneDirection = 'both' | 'original' | 'reply';

/** What names a flow: its first packet's tuple, within its zone. */
export interface FlowKey {
  readonly original: FlowTuple;
  /** 16 bits, 0 without. */
  readonly zone: number;
  readonly zoneDirection: FlowZoneDirection;
}

/** What TCP tracking knows. */
export interface FlowTcp {
  /** 1 SYN sent, 2 SYN received, 3 established, 4 FIN wait, 5 close wait, 6 last ACK, 7 time wait, 8 close, 9 both sent SYN. */
  readonly state: number;
  /** Window scale of each side, 0–14. */
  readonly originalScale: number;
  readonly replyScale: number;
  /** 1 scales windows, 2 selective ACK, 4 closes first, 8 judged liberally; further bits are the tracker's own. */
  readonly originalFlags: number;
  readonly replyFlags: number;
}

/** What SCTP tracking knows: 1 closed, 2 cookie wait, 3 cookie echoed, 4 established, 5–7 shutdown, 8 heartbeat sent. */
export interface FlowSctp {
  readonly state: number;
  /** Verification tags, 32 bits. */
  readonly originalTag: number;
  readonly replyTag: number;
}

/** By how much a helper that rewrote the payload moved one side's sequence numbers. */
export interface FlowSequenceShift {
  /** Sequence number from which `after` holds; 32 bits. */
  readonly position: number;
  /** Octets, signed. */
  readonly before: number;
  readonly after: number;
}

/** Traffic so far; informative, as no kernel takes counters back. 64 bits each. */
export interface FlowCounters {
  readonly originalPackets: bigint;
  readonly originalBytes: bigint;
  readonly replyPackets: bigint;
  readonly replyBytes: bigint;
}

/** A flow that is tracked. */
export interface FlowEntry extends FlowKey {
  /** What answers look like; differs from the inverse of `original` by the address translation. */
  readonly reply: FlowTuple;
  /** IPS_* bits, 16: 2 an answer was seen, 4 assured, 0x400 fixed timeout, 0x10 and 0x20 source and destination translated. */
  readonly status: number;
  /** Until it expires without traffic; 32 bits. */
  readonly timeoutSeconds: number;
  /** 32 bits. */
  readonly mark: number;
  readonly tcp: FlowTcp | null;
  readonly sctp: FlowSctp | null;
  /** Name of the helper that follows the protocol, such as `ftp`: at most 15 octets. */
  readonly helper: string | null;
  /** Bit n is bit n mod 8 of octet n div 8; 1–16 octets. */
  readonly labels: Uint8Array | null;
  readonly counters: FlowCounters | null;
  /** The flow that announced this one (an FTP control connection). */
  readonly master: FlowTuple | null;
  readonly shifts: { readonly original: FlowSequenceShift; readonly reply: FlowSequenceShift } | null;
}

/** A flow that a helper has announced, and that has not begun: the data connection that an FTP command asked for. */
export interface FlowExpectation {
  /** The flow that announced it. */
  readonly master: FlowTuple;
  /** What its first packet will look like, as far as `mask` has bits set. */
  readonly tuple: FlowTuple;
  readonly mask: FlowTuple;
  readonly timeoutSeconds: number;
  /** 32 bits: 1 stays when it was met, 2 inactive, 4 of a program. */
  readonly flags: number;
  /** Which of the helper's kinds of flows; 32 bits. */
  readonly class: number;
  /** 16 bits, 0 without. */
  readonly zone: number;
  readonly helper: string | null;
  /** How it will be translated: `tuple` has what stood in the announcement. */
  readonly translation: { readonly isReply: boolean; readonly tuple: FlowTuple } | null;
  /** Name of the kernel's function that is called when it begins: `nat-follow-master`. */
  readonly function: string | null;
}

/** One statement about the table: a flow is there, new or changed, or is gone; or one is expected. */
export type FlowRecord =
  | { readonly kind: 'flow'; readonly entry: FlowEntry }
  | { readonly kind: 'gone'; readonly key: FlowKey }
  | { readonly kind: 'expectation'; readonly expectation: FlowExpectation };
