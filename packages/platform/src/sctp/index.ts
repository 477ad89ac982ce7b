// SPDX-License-Identifier: Apache-2.0
export { sctpAvailable, sctpMissing } from './availability.ts';
export type {
  AssociationChange,
  PathChange,
  PathState,
  SctpNotification,
} from './notification.ts';
export type { SctpPath, SctpReceived, SctpTuning } from './sctp-socket.ts';
export { SctpSocket } from './sctp-socket.ts';
export type { SocketAddress } from './socket-address.ts';
