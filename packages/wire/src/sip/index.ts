// SPDX-License-Identifier: Apache-2.0
export {
  SIP_HEAD_BYTES_MAX,
  SIP_HEADERS_MAX,
  SIP_MESSAGE_BYTES_MAX,
  SIP_PARAMETERS_MAX,
  SIP_VALUES_MAX,
} from './bounds.ts';
export { decodeSipMessage, encodeSipMessage } from './codec.ts';
export {
  parseCSeq,
  readSipEssentials,
  readSipNumber,
  type SipCSeq,
  type SipEssentials,
} from './essentials.ts';
export {
  canonicalHeaderName,
  headerValue,
  headerValues,
  type SipHeader,
  type SipMessage,
  type SipRequest,
  type SipResponse,
  withHeader,
} from './message.ts';
export { formatNameAddress, parseNameAddress, type SipNameAddress } from './name-address.ts';
export type { SipParameters } from './split.ts';
export { addressOfRecord, formatSipUri, parseHostPort, parseSipUri, type SipUri } from './uri.ts';
export { formatVia, parseVia, SIP_BRANCH_COOKIE, type SipVia } from './via.ts';
