// SPDX-License-Identifier: Apache-2.0
export {
  decodePfsync,
  encodePfsync,
  PFSYNC_BYTES_MAX,
  PFSYNC_IP_PROTOCOL,
  PFSYNC_MULTICAST,
  PFSYNC_TTL,
  PFSYNC_VERSION,
} from './codec.ts';
export { PFSYNC_INTERFACE_BYTES_MAX } from './fields.ts';
export type {
  PfsyncBulkStatus,
  PfsyncClear,
  PfsyncFamily,
  PfsyncItemOf,
  PfsyncItemType,
  PfsyncKey,
  PfsyncMessage,
  PfsyncOpaqueSection,
  PfsyncPeer,
  PfsyncPeerUpdate,
  PfsyncScrub,
  PfsyncSection,
  PfsyncState,
  PfsyncStateId,
  PfsyncTdb,
} from './messages.ts';
export { PFSYNC_ACTIONS, PFSYNC_ITEM_BYTES } from './sections.ts';
