// SPDX-License-Identifier: Apache-2.0
export {
  type PathChange,
  type PathState,
  type SctpPath,
  type SctpTuning,
  sctpAvailable,
  sctpMissing,
} from '@vnfpool/platform/sctp';
export { SctpConnection } from './sctp-connection.ts';
export { defaultTuning, SctpTransport, type SctpTransportOptions } from './sctp-transport.ts';
