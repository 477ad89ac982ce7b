// SPDX-License-Identifier: Apache-2.0
export { BackendChoice } from './backend-choice.ts';
export { formatPlace, parsePlace, type RelayPlace, samePlace } from './place.ts';
export { PATH_MAX, type RelaySession, type SessionWay } from './session.ts';
export {
  type ReadSession,
  type RelaySessionRecord,
  readSessionRecord,
  writeSessionRecord,
} from './session-record.ts';
export { type RelayCounters, type RelayOutput, UdpRelay, type UdpRelayOptions } from './udp-relay.ts';
