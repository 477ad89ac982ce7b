// SPDX-License-Identifier: Apache-2.0
import type { NodeId } from '../identity.ts';

/** Number of one transport connection, chosen by the driver, never used twice. */
export type ConnectionId = number;
/** Number of one operation that the node's agent has to answer, chosen by the node endpoint. */
export type OperationId = number;

/** Whom the certificate of a connection names. */
export interface PeerIdentity {
  readonly node: NodeId;
  readonly name: string;
}

/** Where the source of a transfer finds the destination: its node, and where that node takes state. */
export interface TransferDestination {
  readonly node: NodeId;
  /** In text form; empty when the source has to find them out by itself. */
  readonly addresses: readonly string[];
  /** TCP port of the state channel; null when the source has to know it. */
  readonly port: number | null;
}

/** 16 octets, drawn by the driver for one transfer; valid 30 s, once, for one source, destination and function. */
export type TransferToken = Uint8Array;

/** Something to log and count. */
export interface MobilityEvent {
  readonly type: 'event';
  readonly event:
    | 'malformed'
    | 'refused'
    | 'duplicate'
    | 'unexpected-ack'
    | 'ack-timeout'
    | 'peer-error'
    | 'queue-full'
    | 'term-refused'
    | 'second-node'
    | 'replaced';
  readonly node: NodeId | null;
  readonly connection: ConnectionId | null;
  readonly reason: string;
}
