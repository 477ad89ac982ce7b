// SPDX-License-Identifier: Apache-2.0
import { decodeUtf8, encodeUtf8, WireError } from '@vnfpool/wire/bytes';
import { decodeSlotLabel, encodeSlotLabel, SLOT_LABEL_BYTES_MAX } from '@vnfpool/wire/checkpoint';
import { expect, test } from 'vitest';

const label = { slot: '00000000000000a1', set: 'shop', pool: 'kv', index: 3, format: 'kv/1' };
const octets = (value: unknown): Uint8Array => encodeUtf8(JSON.stringify(value));

test('a label is JSON with a version, and comes back as it was', () => {
  const written = encodeSlotLabel(label);
  expect(decodeUtf8(written)).toBe(
    '{"v":1,"slot":"00000000000000a1","set":"shop","pool":"kv","index":3,"format":"kv/1"}',
  );
  expect(decodeSlotLabel(written)).toEqual(label);
  expect(decodeSlotLabel(octets({ v: 1, ...label, later: true }))).toEqual(label);
  expect(decodeSlotLabel(encodeSlotLabel({ ...label, format: '' })).format).toBe('');
});

test('the largest one fits, and no larger one is read', () => {
  const name = '"'.repeat(100);
  const large = { ...label, set: name, pool: name, format: name, index: Number.MAX_SAFE_INTEGER };
  expect(encodeSlotLabel(large).length).toBeLessThanOrEqual(SLOT_LABEL_BYTES_MAX);
  const padded = octets({ v: 1, ...label, more: ' '.repeat(SLOT_LABEL_BYTES_MAX) });
  expect(() => decodeSlotLabel(padded)).toThrow(WireError);
});

test.each([
  [{ v: 2, ...label }],
  [{ v: 1, ...label, slot: 'kv/0' }],
  [{ v: 1, ...label, index: -1 }],
  [{ v: 1, ...label, set: 'a'.repeat(101) }],
  [{ v: 1, ...label, pool: 'k\nv' }],
  [{ v: 1, ...label, format: 'kv 1' }],
  [{ v: 1, slot: label.slot }],
  [null],
])('%j is none', (value) => {
  expect(() => decodeSlotLabel(octets(value))).toThrow(WireError);
});
