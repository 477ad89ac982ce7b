// SPDX-License-Identifier: Apache-2.0
export { decodeCheckpoint, encodeCheckpoint } from './codec.ts';
export {
  decodeSlotLabel,
  encodeSlotLabel,
  SLOT_LABEL_BYTES_MAX,
  type SlotLabel,
} from './label.ts';
export * from './objects.ts';
