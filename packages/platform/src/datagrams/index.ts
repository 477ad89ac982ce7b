// SPDX-License-Identifier: Apache-2.0
export type { UdpSocket } from './udp.ts';
export { openUdp } from './udp.ts';
