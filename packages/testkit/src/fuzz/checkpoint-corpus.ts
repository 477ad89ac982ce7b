// SPDX-License-Identifier: Apache-2.0
import { type CheckpointObject, encodeCheckpoint, encodeSlotLabel } from '@vnfpool/wire/checkpoint';

const of = { slot: '00000000000000a1', epoch: 7, node: 2, wallMs: 1_790_000_000_000 } as const;
const updates = [
  { sequence: 301, key: 'call-1', value: Uint8Array.of(1, 2, 3) },
  { sequence: 305, key: '\u0001\u00ff', value: null },
  { sequence: 306, key: 'empty', value: new Uint8Array() },
];
const mark = { sequence: 306, keys: 2, digest: 0x0123456789abcdefn };

const objects: readonly CheckpointObject[] = [
  { ...of, type: 'claim', number: 0, base: { epoch: 0, number: 0 } },
  { ...of, type: 'claim', number: 0, base: { epoch: 6, number: 12 } },
  { ...of, type: 'part', number: 1, first: 1, from: 0, updates, mark: null },
  { ...of, type: 'part', number: 2, first: 1, from: 0, updates: [], mark },
  { ...of, type: 'part', number: 3, first: 3, from: 300, updates, mark },
  { ...of, type: 'end', number: 4, sequence: 306 },
];

const label = { slot: of.slot, set: 'shop', pool: 'kv', index: 0, format: 'kv/1' };

/** What says whose checkpoints are. */
export const SLOT_LABELS: readonly Uint8Array[] = [
  encodeSlotLabel(label),
  encodeSlotLabel({ ...label, index: 65_535, format: '' }),
];

/** Objects of checkpoints, one of every type at least. */
export const CHECKPOINT_OBJECTS: readonly Uint8Array[] = objects.map(encodeCheckpoint);
