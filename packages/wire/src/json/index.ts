// SPDX-License-Identifier: Apache-2.0
export { FieldError, type Json } from './field.ts';
export {
  type MessageJson,
  messageFromJson,
  messageFromJsonText,
  messageToJson,
  WIRE_PROTOCOLS,
} from './message-json.ts';
export type { WireProtocol } from './protocols.ts';
