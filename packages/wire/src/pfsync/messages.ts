// SPDX-License-Identifier: Apache-2.0

/*
 * What pfsync version 6 says, with states of 264 octets: the layout of OpenBSD's pfvar.h 1.543 and if_pfsync.h 1.65 of
 * 2025. Releases before left the octet of the route 0; still older ones, and FreeBSD, keep the version and have other
 * states. An item's length tells them apart, and what is not of the lengths here stays opaque. Numbers of states,
 * time-outs and flags are those of pf and not interpreted.
 */

/** Of addresses. Null: the sender left it open. */
export type PfsyncFamily = 'ipv4' | 'ipv6' | null;

/** A state by name. The creator is the firewall that made it. */
export interface PfsyncStateId {
  readonly id: bigint;
  readonly creatorId: number;
}

/** All states of an interface, or of all with an empty name, that this firewall made are gone. */
export interface PfsyncClear {
  readonly interfaceName: string;
  readonly creatorId: number;
}

/** What normalisation of TCP remembers of one side. */
export interface PfsyncScrub {
  readonly flags: number;
  readonly ttl: number;
  /** 1: the rest has a meaning. */
  readonly flag: number;
  readonly timestampModulator: number;
}

/** One side of a connection. */
export interface PfsyncPeer {
  readonly scrub: PfsyncScrub;
  /** Highest sequence number sent, and highest that the other side allows. 32 bits. */
  readonly sequenceLow: number;
  readonly sequenceHigh: number;
  /** By how much pf moves sequence numbers. */
  readonly sequenceDifference: number;
  /** Before scaling. */
  readonly windowMax: number;
  readonly segmentBytesMax: number;
  /** TCP: 0 closed, 1 listen, 2 SYN sent, 3 SYN received, 4 established, 5 close wait, 6 FIN wait 1, 7 closing, 8 last ACK, 9 FIN wait 2, 10 time wait. */
  readonly state: number;
  /** Low 4 bits: shift of the window; 0x80: the side announced one. */
  readonly windowScale: number;
}

/** Addresses and ports on one side of the translation. */
export interface PfsyncKey {
  /** Null: that of the state. */
  readonly family: PfsyncFamily;
  /**
   * Of a state of direction 1 (in) source and destination, of one of direction 2 (out) destination and source.
   * 4 octets of `ipv4`; 16 of `ipv6`, and where the family is left open.
   */
  readonly addresses: readonly [Uint8Array, Uint8Array];
  /** In the order of the addresses. ICMP: its identifier and its kind. */
  readonly ports: readonly [number, number];
  readonly routingDomain: number;
}

/** A whole state. */
export interface PfsyncState extends PfsyncStateId {
  /** `all`: not bound to one. */
  readonly interfaceName: string;
  /** As seen on the wire; as the stack sees it. They differ by the address translation. */
  readonly wire: PfsyncKey;
  readonly stack: PfsyncKey;
  readonly source: PfsyncPeer;
  readonly destination: PfsyncPeer;
  /** Of the gateway that a rule chose: 16 octets, of IPv4 the first 4. */
  readonly routeAddress: Uint8Array;
  /** Numbers of rules; null: none. */
  readonly rule: number | null;
  readonly anchor: number | null;
  readonly natRule: number | null;
  /** Since it was made. */
  readonly ageSeconds: number;
  /** Until it expires without traffic. */
  readonly expireSeconds: number;
  /** Traffic with the direction of the state, and against it. */
  readonly forwardPackets: bigint;
  readonly reversePackets: bigint;
  readonly forwardBytes: bigint;
  readonly reverseBytes: bigint;
  /** Signed 32 bits; of the wire and of the stack. */
  readonly routingTables: readonly [number, number];
  readonly segmentBytesMax: number;
  readonly family: PfsyncFamily;
  /** IP protocol number. */
  readonly protocol: number;
  /** 1 in, 2 out. */
  readonly direction: number;
  readonly log: number;
  /** Kind of route that a rule chose: 1 route-to, 2 dup-to, 3 reply-to; 0 none, or of a release that left the octet empty. */
  readonly route: number;
  /** Which of pf's time-outs applies. */
  readonly timeout: number;
  readonly syncFlags: number;
  readonly updates: number;
  readonly ttlMin: number;
  readonly tos: number;
  /** 16 bits. */
  readonly stateFlags: number;
  readonly priorities: readonly [number, number];
}

/** What changes in a state. */
export interface PfsyncPeerUpdate extends PfsyncStateId {
  readonly source: PfsyncPeer;
  readonly destination: PfsyncPeer;
  /** Senders leave it 0. */
  readonly expireSeconds: number;
  readonly timeout: number;
  /** 8 bits here. */
  readonly stateFlags: number;
}

/** A bulk update, all states one after another, begins or ends. */
export interface PfsyncBulkStatus {
  readonly creatorId: number;
  /** Since it was asked for, by the sender's clock. */
  readonly endSeconds: number;
  readonly status: 'start' | 'end';
}

/** Replay counter of an IPsec association. */
export interface PfsyncTdb {
  readonly spi: number;
  /** 4 or 16 octets. */
  readonly destination: Uint8Array;
  readonly port: number;
  /** IPv6 alone, 0 otherwise. */
  readonly flowInformation: number;
  /** IPv6 alone: 4 octets in the sender's byte order, null otherwise. */
  readonly scope: Uint8Array | null;
  /** 64 bits; of `tdb-old` 32. */
  readonly replayCounter: bigint;
  readonly bytes: bigint;
  /** IP protocol number: 50 ESP, 51 AH. */
  readonly protocol: number;
  readonly updates: number;
  readonly routingDomain: number;
}

/** What the items of a section are, by its type. */
export interface PfsyncItemOf {
  readonly clear: PfsyncClear;
  readonly insert: PfsyncState;
  readonly 'insert-ack': PfsyncStateId;
  readonly update: PfsyncState;
  readonly 'update-compressed': PfsyncPeerUpdate;
  readonly 'update-request': PfsyncStateId;
  readonly delete: PfsyncState;
  readonly 'delete-compressed': PfsyncStateId;
  readonly 'bulk-status': PfsyncBulkStatus;
  readonly tdb: PfsyncTdb;
  readonly 'tdb-old': PfsyncTdb;
}

export type PfsyncItemType = keyof PfsyncItemOf;

/** Items of an action or of a length that is not known here: as they are. */
export interface PfsyncOpaqueSection {
  readonly type: 'opaque';
  readonly action: number;
  /** Of each item: a multiple of 4 up to 1,020. */
  readonly itemBytes: number;
  readonly count: number;
  /** All items; `count` times `itemBytes`. */
  readonly octets: Uint8Array;
}

/** Items of one action, in order. */
export type PfsyncSection =
  | {
      [Type in PfsyncItemType]: { readonly type: Type; readonly items: readonly PfsyncItemOf[Type][] };
    }[PfsyncItemType]
  | PfsyncOpaqueSection;

/** A datagram. */
export interface PfsyncMessage {
  /** MD5 of the sender's rules, 16 octets: numbers of rules mean the same where this is the same. */
  readonly rulesChecksum: Uint8Array;
  readonly sections: readonly PfsyncSection[];
}
