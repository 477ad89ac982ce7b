// SPDX-License-Identifier: Apache-2.0

/*
 * An entry of the kernel's connection tracking. The shapes are those of the flow state that nodes exchange, so that an
 * entry goes from a listing to the encoder, and from the decoder into the kernel, as it is.
 */

/** What tells flows between two addresses apart: ports (GRE: keys), or ICMP's type, code and identifier. */
export type ConntrackLayer4 =
  | { readonly kind: 'ports'; readonly source: number; readonly destination: number }
  | { readonly kind: 'icmp'; readonly type: number; readonly code: number; readonly id: number }
  | null;

/** One direction of a flow; addresses of 4 or 16 octets. */
export interface ConntrackTuple {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  /** IP protocol number. */
  readonly protocol: number;
  readonly layer4: ConntrackLayer4;
}

/** What names an entry. */
export interface ConntrackKey {
  readonly original: ConntrackTuple;
  readonly zone: number;
  /** For which direction the zone counts. */
  readonly zoneDirection: 'both' | 'original' | 'reply';
}

/** @see include/uapi/linux/netfilter/nf_conntrack_tcp.h */
export interface ConntrackTcp {
  /** 3 is established. */
  readonly state: number;
  readonly originalScale: number;
  readonly replyScale: number;
  readonly originalFlags: number;
  readonly replyFlags: number;
}

/** @see include/uapi/linux/netfilter/nf_conntrack_sctp.h */
export interface ConntrackSctp {
  readonly state: number;
  readonly originalTag: number;
  readonly replyTag: number;
}

/** Adjustment of sequence numbers of one direction. */
export interface ConntrackShift {
  readonly position: number;
  readonly before: number;
  readonly after: number;
}

/** Only with the sysctl `nf_conntrack_acct`. */
export interface ConntrackCounters {
  readonly originalPackets: bigint;
  readonly originalBytes: bigint;
  readonly replyPackets: bigint;
  readonly replyBytes: bigint;
}

/** An entry. In an event null also means: not said, unchanged. */
export interface ConntrackEntry extends ConntrackKey {
  readonly reply: ConntrackTuple;
  /** Bits `IPS_*`, the lower 16. */
  readonly status: number;
  /** Time left; 0 for an entry that a flow table keeps alive, and in the event of its end. */
  readonly timeoutSeconds: number;
  readonly mark: number;
  readonly tcp: ConntrackTcp | null;
  readonly sctp: ConntrackSctp | null;
  readonly helper: string | null;
  readonly labels: Uint8Array | null;
  readonly counters: ConntrackCounters | null;
  readonly master: ConntrackTuple | null;
  readonly shifts: { readonly original: ConntrackShift; readonly reply: ConntrackShift } | null;
}

/** An answer was seen. */
export const IPS_SEEN_REPLY = 0x2;
/** Not thrown away early when the table is full. */
export const IPS_ASSURED = 0x4;
export const IPS_CONFIRMED = 0x8;
export const IPS_SRC_NAT = 0x10;
export const IPS_DST_NAT = 0x20;
/** Expires at its time in spite of traffic. */
export const IPS_FIXED_TIMEOUT = 0x400;
