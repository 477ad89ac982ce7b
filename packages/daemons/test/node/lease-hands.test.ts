// SPDX-License-Identifier: Apache-2.0
import type { KeeperOutput } from '@vnfpool/core/agent';
import type { LeaseRecord } from '@vnfpool/core/lease';
import { FakeClocks, FakeDisk, FakeFence, FakeVirtualAddresses } from '@vnfpool/platform/fakes';
import { expect, test } from 'vitest';
import { LeaseHands } from '../../src/node/lease-hands.ts';

const SLOT = '00000000000000a1';

/** Hands over fakes; `outputs` is what the keeper says to the next input. */
function createHands() {
  const clocks = new FakeClocks();
  const fence = new FakeFence(clocks);
  const addresses = new FakeVirtualAddresses();
  const outputs: KeeperOutput[] = [];
  const hands = new LeaseHands(
    { handle: () => outputs.splice(0), expire: () => [] },
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
  const carryOut = (...said: KeeperOutput[]): void => {
    outputs.push(...said);
    hands.handle({ type: 'candidate-gone', slot: SLOT, functionId: 1 });
  };
  return { fence, addresses, hands, carryOut };
}

/** What an agent that was killed leaves behind. */
function leaveBehind({ fence, addresses }: ReturnType<typeof createHands>, ...left: string[]): void {
  fence.guard([{ slot: SLOT, guarded: left.map((address) => ({ what: 'address', address })) }]);
  for (const address of left) addresses.raise(`${address}/32`);
}

test('an address that leaves the fence leaves the link before, also when an earlier agent left it there', () => {
  const world = createHands();
  leaveBehind(world, '10.0.0.100', '10.0.0.101');
  world.carryOut({ type: 'guard', slots: [{ slot: SLOT, addresses: ['10.0.0.101/24'] }] });
  expect(world.fence.guarded).toEqual([{ what: 'address', address: '10.0.0.101' }]);
  expect([...world.addresses.raised]).toEqual(['10.0.0.101/32']);
});

test('an agent that stops before it was configured leaves no address behind without a fence', () => {
  const world = createHands();
  leaveBehind(world, '10.0.0.100');
  world.hands.cleanUp();
  expect([...world.addresses.raised]).toEqual([]);
});

test('when the fence fails, no address stays on the link, and the error gets out', () => {
  const world = createHands();
  const addresses = ['10.0.0.100/24', '10.0.0.101/24'];
  world.carryOut({ type: 'guard', slots: [{ slot: SLOT, addresses }] }, { type: 'raise', addresses });
  expect(world.addresses.raised.size).toBe(2);
  const gone = new Error('ENOENT: somebody flushed the rule set');
  world.fence.beforeWrite = () => {
    throw gone;
  };
  expect(() => world.carryOut({ type: 'open', ends: new Map([[SLOT, 1e12]]) })).toThrow(gone);
  expect([...world.addresses.raised]).toEqual([]);
});

test('several slots renewed by one step reach the fence at once', () => {
  const world = createHands();
  const other = '00000000000000a2';
  world.carryOut({
    type: 'guard',
    slots: [
      { slot: SLOT, addresses: ['10.0.0.100/24'] },
      { slot: other, addresses: ['2001:db8::1/64'] },
    ],
  });
  const ends = new Map([
    [SLOT, 300],
    [other, 300],
  ]);
  world.carryOut({ type: 'open', ends });
  expect([world.fence.writes, world.fence.isOpen(SLOT), world.fence.isOpen(other)]).toEqual([1, true, true]);
  world.carryOut({ type: 'close', slot: SLOT, epoch: 1 });
  expect([world.fence.isOpen(SLOT), world.fence.isOpen(other)]).toEqual([false, true]);
});

test('a fence that cannot be put right takes the addresses off the link, and the error gets out', () => {
  const world = createHands();
  const addresses = ['10.0.0.100/24'];
  world.carryOut({ type: 'guard', slots: [{ slot: SLOT, addresses }] }, { type: 'raise', addresses });
  world.hands.checkFence();
  expect(world.addresses.raised.size).toBe(1);
  world.fence.check = () => {
    throw new Error('EPERM');
  };
  expect(() => world.hands.checkFence()).toThrow('EPERM');
  expect([...world.addresses.raised]).toEqual([]);
});
