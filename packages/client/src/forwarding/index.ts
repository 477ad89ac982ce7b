// SPDX-License-Identifier: Apache-2.0
export type { ForwardLimits, ForwardPlace } from '@vnfpool/core/session-forward';
export type { ForwardedPacket, ForwardSide } from '@vnfpool/wire/session-forward';
export {
  type ForwardingCounters,
  ForwardingPort,
  type ForwardingPortOptions,
} from './forwarding-port.ts';
export { type ForwardGrant, type ForwardingState, readForwardGrant, readForwardingState } from './grant.ts';
