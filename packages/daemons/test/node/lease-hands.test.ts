// SPDX-License-Identifier: Apache-2.0
import type { KeeperOutput } from '@vnfpool/core/agent';
import type { LeaseRecord } from '@vnfpool/core/lease';
import { FakeClocks, FakeDisk, FakeFence, FakeVirtualAddresses } from '@vnfpool/platform/fakes';
import { expect, test } from 'vitest';
import { LeaseHands } from '../../src/node/lease-hands.ts';

test('an address that leaves the fence leaves the link before, also when an earlier agent left it there', () => {
  const clocks = new FakeClocks();
  const fence = new FakeFence(clocks);
  const addresses = new FakeVirtualAddresses();
  // What an agent that was killed leaves behind.
  fence.guard(['10.0.0.100', '10.0.0.101']);
  for (const address of fence.guarded) addresses.raise(`${address}/32`);

  const outputs: KeeperOutput[] = [{ type: 'guard', addresses: ['10.0.0.101/24'] }];
  const hands = new LeaseHands(
    { handle: () => outputs, expire: () => [] },
    {
      clocks,
      fence,
      addresses,
      journal: new FakeDisk<LeaseRecord>().open(),
      send: () => {},
      tell: () => {},
      muteMs: () => 0,
    },
  );
  hands.handle({ type: 'candidate-gone', slot: '00000000000000a1', functionId: 1 });
  expect(fence.guarded).toEqual(['10.0.0.101']);
  expect([...addresses.raised]).toEqual(['10.0.0.101/32']);
});
