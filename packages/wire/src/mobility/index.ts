// SPDX-License-Identifier: Apache-2.0

export type { ContainerMount, ContainerSpecification } from './container.ts';
export { decodeMobility } from './decode.ts';
export * from './decode-error.ts';
export * from './document-codec.ts';
export type * from './documents.ts';
export { encodeMobility } from './encode.ts';
export * from './extensions.ts';
export { FRAME_HEADER_BYTES, MESSAGE_BYTES_MAX, mobilityFrameBytes } from './frame.ts';
export * from './handed-cookies.ts';
export type * from './information.ts';
export { selectFunctionInformation, selectNodeInformation } from './information-codec.ts';
export * from './message.ts';
export type * from './netns.ts';
export { ntpTimestamp, ntpToUnixMs } from './ntp.ts';
export { OpType } from './option.ts';
export { DocumentError } from './shape.ts';
export { type ConnectionFilter, checkStateAccess, isStateOfNode, type StateAccess } from './state-access.ts';
export type * from './state-level.ts';
export * from './state-order.ts';
export {
  isLinkName,
  plainAddress,
  readVirtualAddress,
  type VirtualAddress,
  virtualAddressText,
} from './virtual-address.ts';
