// SPDX-License-Identifier: Apache-2.0
export { bindMptcp, isMptcp, openMptcp } from './mptcp-socket.ts';
export { tcpRoundTripMs } from './round-trip.ts';
