// SPDX-License-Identifier: Apache-2.0
export {
  COMPONENT_GROUP,
  COMPONENT_TEXT_BYTES,
  type ComponentAssociation,
  type ComponentId,
  type ComponentStatus,
  decodeComponentStatus,
  encodeComponentStatus,
} from './component-status.ts';
