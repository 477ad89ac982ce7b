// SPDX-License-Identifier: Apache-2.0
export { readAddress, writeAddress } from './address.ts';
export { readCookie, writeCookie } from './cookie.ts';
export { readHandleResolutionOption, writeHandleResolutionOption } from './handle-resolution-option.ts';
export { formatIp, type IpText, parseIp } from './ip-text.ts';
export {
  CAUSE,
  CAUSES_MAX,
  causeInfo,
  describeCause,
  errorCause,
  readOperationError,
  writeOperationError,
} from './operation-error.ts';
export { readPeChecksum, writePeChecksum } from './pe-checksum.ts';
export { readPeIdentifier, writePeIdentifier } from './pe-identifier.ts';
export {
  type KnownPolicy,
  type KnownPolicyType,
  type OtherPolicy,
  POLICY_FORMATS,
  type Policy,
  policyCode,
  readPolicy,
  writePolicy,
} from './policy.ts';
export { type PoolElement, readPoolElement, writePoolElement } from './pool-element.ts';
export { readPoolHandle, writePoolHandle } from './pool-handle.ts';
export {
  readServerInformation,
  type ServerInformation,
  writeServerInformation,
} from './server-information.ts';
export {
  DiscardError,
  type ErrorCause,
  type FinalPadding,
  mandatoryTlv,
  optionalTlv,
  PARAMETER,
  ParameterWriter,
  readTlv,
  readTlvs,
  type Tlv,
  type UnrecognizedParameter,
  writeTlv,
} from './tlv.ts';
export {
  type DccpTransport,
  type OpaqueTransport,
  readTransport,
  type SctpTransport,
  type TcpTransport,
  type Transport,
  type TransportUse,
  transportAddresses,
  type UdpTransport,
  writeTransport,
} from './transport.ts';
