// SPDX-License-Identifier: Apache-2.0
import { numbersWrite, restoreNumbers } from '@vnfpool/core/manager';
import type { MobilityManagerOutput } from '@vnfpool/core/mobility';
import { expect, test } from 'vitest';
import { nodeId } from '../../src/identity.ts';

type Reserved = Extract<MobilityManagerOutput, { readonly type: 'reserve-numbers' }>;

test('numbers that were reserved come back from a store of JSON, the last for each node', () => {
  const reserved: Reserved[] = [
    { type: 'reserve-numbers', node: nodeId(10), bootTime: 0xed00_3780_8000_0001n, upTo: 4096 },
    { type: 'reserve-numbers', node: nodeId(11), bootTime: 0n, upTo: 0xffffff },
    { type: 'reserve-numbers', node: nodeId(10), bootTime: 0xed00_3780_8000_0001n, upTo: 8192 },
  ];
  const rows = new Map<string, string>();
  for (const output of reserved) {
    const { table, key, value } = numbersWrite(output);
    expect(table).toBe('numbers');
    rows.set(key, JSON.stringify(value));
  }
  const restored = restoreNumbers([...rows].map(([key, value]) => ({ key, value: JSON.parse(value) })));
  expect([...restored]).toEqual([
    [10, { bootTime: 0xed00_3780_8000_0001n, upTo: 8192 }],
    [11, { bootTime: 0n, upTo: 0xffffff }],
  ]);
});
