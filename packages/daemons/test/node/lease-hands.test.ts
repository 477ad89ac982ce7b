// SPDX-License-Identifier: Apache-2.0
import type { KeeperInput, KeeperOutput } from '@vnfpool/core/agent';
import type { NodeLeaseRecord } from '@vnfpool/core/lease';
import { PlatformError } from '@vnfpool/platform';
import { FakeClocks, FakeDisk, FakeFence, FakeVirtualAddresses } from '@vnfpool/platform/fakes';
import { expect, test } from 'vitest';
import { LeaseHands } from '../../src/node/lease-hands.ts';

const SLOT = '00000000000000a1';
/** On the usual link. */
const SLOT_ALONE = { slot: SLOT, links: [], on: [] };
const at = (address: string) => ({ address, link: null, own: null });

/** Hands over fakes; `outputs` is what the keeper says to the next input. */
function createHands() {
  const clocks = new FakeClocks();
  const fence = new FakeFence(clocks);
  const addresses = new FakeVirtualAddresses();
  const outputs: KeeperOutput[] = [];
  const laterInputs: KeeperInput[] = [];
  const hands = new LeaseHands(
    { handle: () => outputs.splice(0), expire: () => [] },
    {
      clocks,
      fence,
      addresses,
      journal: new FakeDisk<NodeLeaseRecord>().open(),
      send: () => {},
      tell: () => {},
      muteMs: () => 0,
      later: (input) => void laterInputs.push(input),
    },
  );
  const carryOut = (...said: KeeperOutput[]): void => {
    outputs.push(...said);
    hands.handle({ type: 'candidate-gone', slot: SLOT, functionId: 1 });
  };
  return { fence, addresses, hands, carryOut, laterInputs };
}

/** What an agent that was killed leaves behind. */
function leaveBehind({ fence, addresses }: ReturnType<typeof createHands>, ...left: string[]): void {
  fence.guard([{ slot: SLOT, guarded: left.map((address) => ({ what: 'address', address })) }]);
  for (const address of left) addresses.raise(at(address), false);
}

test('an address that leaves the fence leaves the link before, also when an earlier agent left it there', () => {
  const world = createHands();
  leaveBehind(world, '10.0.0.100', '10.0.0.101');
  world.carryOut({ type: 'guard', slots: [{ ...SLOT_ALONE, addresses: ['10.0.0.101'] }] });
  expect(world.fence.guarded).toEqual([{ what: 'address', address: '10.0.0.101' }]);
  expect([...world.addresses.raised]).toEqual(['10.0.0.101']);
});

test('an agent that stops before it was configured leaves no address behind without a fence', () => {
  const world = createHands();
  leaveBehind(world, '10.0.0.100');
  world.hands.cleanUp();
  expect([...world.addresses.raised]).toEqual([]);
});

test('when the fence fails, no address stays on the link, and the error gets out', () => {
  const world = createHands();
  const addresses = ['10.0.0.100', '10.0.0.101'];
  const places = [at('10.0.0.100'), at('10.0.0.101')];
  world.carryOut(
    { type: 'guard', slots: [{ ...SLOT_ALONE, addresses }] },
    { type: 'raise', places, isPrepared: false, isQuiet: false },
  );
  expect(world.addresses.raised.size).toBe(2);
  const gone = new Error('ENOENT: somebody flushed the rule set');
  world.fence.beforeWrite = () => {
    throw gone;
  };
  expect(() => world.carryOut({ type: 'open', ends: new Map([[SLOT, 1e12]]) })).toThrow(gone);
  expect([...world.addresses.raised]).toEqual([]);
});

test('links that a slot needs are followed beside its addresses', () => {
  const world = createHands();
  world.carryOut({ type: 'follow', places: [at('10.0.0.100')], links: ['eth1'] });
  expect(world.addresses.followed).toEqual([at('10.0.0.100')]);
  expect(world.addresses.followedLinks).toEqual(['eth1']);
});

test('several slots renewed by one step reach the fence at once', () => {
  const world = createHands();
  const other = '00000000000000a2';
  world.carryOut({
    type: 'guard',
    slots: [
      { ...SLOT_ALONE, addresses: ['10.0.0.100'] },
      { ...SLOT_ALONE, slot: other, addresses: ['2001:db8::1'] },
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
  const places = [at('10.0.0.100')];
  world.carryOut(
    { type: 'guard', slots: [{ ...SLOT_ALONE, addresses: ['10.0.0.100'] }] },
    { type: 'raise', places, isPrepared: false, isQuiet: false },
  );
  world.hands.checkFence();
  expect(world.addresses.raised.size).toBe(1);
  world.fence.check = () => {
    throw new Error('EPERM');
  };
  expect(() => world.hands.checkFence()).toThrow('EPERM');
  expect([...world.addresses.raised]).toEqual([]);
});

test('what the kernel refuses to raise is told, and the other addresses are raised', () => {
  const world = createHands();
  const places = [at('10.0.0.100')];
  world.addresses.failure = new PlatformError('ENODEV', 'no link eth1', { call: 'find link' });
  world.carryOut({ type: 'raise', places, isPrepared: false, isQuiet: false });
  expect(world.laterInputs).toEqual([
    { type: 'address-refused', address: '10.0.0.100', reason: 'no link eth1' },
  ]);
  world.addresses.failure = undefined;
  world.carryOut({ type: 'raise', places, isPrepared: false, isQuiet: false });
  expect([...world.addresses.raised]).toEqual(['10.0.0.100']);
  // That it was taken is said once.
  world.carryOut({ type: 'raise', places, isPrepared: false, isQuiet: false });
  expect(world.laterInputs.slice(1)).toEqual([{ type: 'address-accepted', address: '10.0.0.100' }]);
});

test('connections are ended before an address is raised, and not again when that was done ahead', () => {
  const world = createHands();
  const places = [at('10.0.0.100')];
  world.carryOut({ type: 'raise', places, isPrepared: false, isQuiet: true });
  world.carryOut({ type: 'raise', places, isPrepared: true, isQuiet: false });
  expect(world.addresses.actions.map(({ action }) => action)).toEqual(['destroySockets', 'raise', 'raise']);
});

test('a probe is answered later, and at once nobody has it where there are no virtual addresses', async () => {
  const world = createHands();
  const claim = { address: '10.0.0.100', hardwareAddress: '02:00:00:00:00:09', link: 'eth0' };
  world.addresses.claims = [claim];
  const slot = '00000000000000a1';
  world.carryOut({ type: 'probe', slot, attempt: 1, places: [at('10.0.0.100')] });
  await Promise.resolve();
  expect(world.laterInputs).toEqual([{ type: 'probed', slot, attempt: 1, claims: [claim] }]);
});
