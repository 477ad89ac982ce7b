// SPDX-License-Identifier: Apache-2.0

/** Private Enterprise Number of our extensions: the documentation number of RFC 5612 until one is assigned. */
export const ENTERPRISE_NUMBER = 32473;

/**
 * Our extensions, option 9/255, at most one of each in a context. Documents stay octets here: the identity of
 * a function specification is the digest of exactly these. Parsers: `parseFunctionSpecification` and its like.
 */
export interface Extensions {
  /** 0, in REGISTRATION and its ACK. */
  readonly hello?: Hello;
  /** 1, in ADD, MOVE, COPY and MOVE_SESSION. */
  readonly transfer?: StateTransfer;
  /** 2, in STATUS-UPDATE: this Function ID is gone. */
  readonly functionGone?: number;
  /** 3, in REGISTRATION's ACK and KEEP-ALIVE. */
  readonly timing?: KeepAliveTiming;
  /** 4, in ACK and ERROR. */
  readonly error?: number;
  /** 5, JSON of a `FunctionSpecification`. */
  readonly specification?: Uint8Array;
  /** 6, JSON of a `SlotAssignment`. */
  readonly assignment?: Uint8Array;
  /** 7, JSON of a `SetConfiguration`. */
  readonly configuration?: Uint8Array;
  /** 8, JSON of a `LeaseEndpoint`. */
  readonly leaseEndpoint?: Uint8Array;
  /** 9, JSON of a `SlotReport`. */
  readonly slotReport?: Uint8Array;
  /** 10, JSON of a `FunctionReport`. */
  readonly functionReport?: Uint8Array;
  /** 11, JSON of a `StateOrder`. */
  readonly stateOrder?: Uint8Array;
  /** 12, JSON of a `StateAnswer`. */
  readonly stateAnswer?: Uint8Array;
  /** 13, in ADD at node scope: a piece of extension 7, where that is too large for one message. */
  readonly configurationPart?: DocumentPart;
}

/** A piece of a document whose others stand in messages of their own. */
export interface DocumentPart {
  /** From 1 on; they come in this order. */
  readonly part: number;
  /** How many there are, at most `CONFIGURATION_PARTS_MAX`. */
  readonly of: number;
  readonly octets: Uint8Array;
}

export const CONFIGURATION_PARTS_MAX = 16;
/** Octets of one. */
export const CONFIGURATION_PART_BYTES_MAX = 49_152;
/** Octets of a set configuration that stands in one message. */
export const CONFIGURATION_WHOLE_BYTES_MAX = 32_768;

export interface Hello {
  /** 1. */
  readonly version: number;
  /** 64 random bits, new at each start of the process. */
  readonly instance: bigint;
  /** Of a manager: 64 bits; a node refuses a lower one than it has seen. */
  readonly term?: bigint;
}

export interface StateTransfer {
  /** 16 octets. */
  readonly token: Uint8Array;
  readonly role: 'source' | 'destination';
}

export interface KeepAliveTiming {
  readonly intervalMs: number;
  /** Misses after which the node counts as lost. */
  readonly misses: number;
}

/** Numbers of extension 4; what the code of an ACK alone cannot tell. */
export const MobilityError = {
  malformed: 1,
  unknownFunction: 2,
  badToken: 3,
  versionNotUnderstood: 4,
  stale: 5,
  specificationRefused: 6,
  wouldNotConverge: 7,
  cancelled: 8,
  sessionNotMovable: 9,
  nodeIdInUse: 10,
} as const;
