// SPDX-License-Identifier: Apache-2.0
export { decodeForward, encodeForward } from './codec.ts';
export {
  FORWARD_MAC_BYTES,
  FORWARD_PAYLOAD_BYTES_MAX,
  FORWARD_VERSION,
  type ForwardDatagram,
  type ForwardedPacket,
  type ForwardHeader,
  type ForwardMessage,
  type ForwardSide,
} from './messages.ts';
