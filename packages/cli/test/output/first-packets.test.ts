// SPDX-License-Identifier: Apache-2.0
import type { SlotSharingView } from '@vnfpool/core/management';
import { expect, test } from 'vitest';
import { sharingLines } from '../../src/output/sharing.ts';

const sharing: SlotSharingView = {
  method: 'conntrack',
  isProtected: true,
  isLossy: false,
  verdict: 'A failover loses up to 1000 ms.',
  state: { at: 0, keys: 5, bytes: 160, sequence: 40, updatesPerSecond: 10, waiting: 0 },
  standbys: [],
};

test('what became of first packets stands behind the amounts, where any wait', () => {
  const lines = (more: Partial<SlotSharingView> = {}): string[] =>
    sharingLines({ ...sharing, ...more }, 1_000);
  expect(lines()).toHaveLength(2);
  expect(lines({ firstPackets: { waiting: 2, released: 120, dropped: 1 } })).toEqual([
    ...lines(),
    '    first packets: 2 waiting, 120 let go, 1 dropped',
  ]);
});
