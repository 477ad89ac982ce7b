// SPDX-License-Identifier: Apache-2.0
import { SOCKADDR_STORAGE_BYTES } from './constants.ts';
import { unpackAddresses } from './socket-address.ts';

const SCTP_ASSOC_CHANGE = 0x8001;
const SCTP_PEER_ADDR_CHANGE = 0x8002;
const SCTP_SEND_FAILED = 0x8003;
const SCTP_SHUTDOWN_EVENT = 0x8005;
const SCTP_PARTIAL_DELIVERY_EVENT = 0x8006;

const associationChanges = ['up', 'lost', 'restarted', 'shut-down', 'not-established'] as const;
const pathStates = [
  'available',
  'unreachable',
  'removed',
  'added',
  'primary',
  'confirmed',
  'potentially-failed',
] as const;

/** What became of an association: SCTP_COMM_UP, COMM_LOST, RESTART, SHUTDOWN_COMP, CANT_STR_ASSOC. */
export type AssociationChange = (typeof associationChanges)[number];
/** What became of a path to one address of the peer. */
export type PathState = (typeof pathStates)[number];

export interface PathChange {
  readonly address: string;
  readonly state: PathState;
}

/** What the kernel tells in between the messages. `other`: of a kind that we did not ask for. */
export type SctpNotification =
  | { readonly type: 'association'; readonly change: AssociationChange; readonly error: number }
  | ({ readonly type: 'path' } & PathChange)
  /** A message was given up before the peer had acknowledged it. */
  | { readonly type: 'send-failed' }
  /** The peer shuts down; what is under way still arrives. */
  | { readonly type: 'shutdown' }
  /** The rest of a message that was handed over in part does not come. */
  | { readonly type: 'partial-delivery-aborted' }
  | { readonly type: 'other'; readonly code: number };

/** `struct sctp_event_subscribe`: which of them are asked for. */
export const subscription: Uint8Array = Uint8Array.of(0, 1, 1, 1, 0, 1, 1, 0);

/** Reads a message that came with MSG_NOTIFICATION. @see RFC 6458 §6.1 */
export function readNotification(bytes: Uint8Array): SctpNotification {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const code = bytes.length >= 8 ? view.getUint16(0, true) : 0;
  if (code === SCTP_ASSOC_CHANGE && bytes.length >= 20) {
    const change = associationChanges[view.getUint16(8, true)];
    if (change !== undefined) return { type: 'association', change, error: view.getUint16(10, true) };
  }
  if (code === SCTP_PEER_ADDR_CHANGE && bytes.length >= 8 + SOCKADDR_STORAGE_BYTES + 12) {
    const [place] = unpackAddresses(bytes.subarray(8), 1);
    const state = pathStates[view.getInt32(8 + SOCKADDR_STORAGE_BYTES, true)];
    if (place !== undefined && state !== undefined) return { type: 'path', address: place.address, state };
  }
  if (code === SCTP_SEND_FAILED) return { type: 'send-failed' };
  if (code === SCTP_SHUTDOWN_EVENT) return { type: 'shutdown' };
  if (code === SCTP_PARTIAL_DELIVERY_EVENT) return { type: 'partial-delivery-aborted' };
  return { type: 'other', code };
}
