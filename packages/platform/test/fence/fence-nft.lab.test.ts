// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { horizonElement, readClocks } from '../../src/fence/horizon-element.ts';
import { createNftFence, type FenceOptions, type NftFence, rehearseFence } from '../../src/fence/index.ts';
import { horizonPlaces } from '../../src/fence/ruleset.ts';
import { changeSets, NETLINK_NETFILTER, NetlinkSocket, readGeneration } from '../../src/netlink/index.ts';
import { address, B4, clocks, FenceRig, LONG_MS, PORT, VIP4, WEB } from '../support/fence-rig.ts';
import { labMissing, until } from '../support/lab.ts';

describe.skipIf(labMissing !== '')(`the nftables form ${labMissing}`, () => {
  let rig: FenceRig;
  let fence: NftFence;
  let told: string[];
  const end = (leftMs: number): number => clocks.boottimeMs() + leftMs;
  const openFor = (leftMs: number, ...slots: string[]): void =>
    fence.openUntil(new Map((slots.length === 0 ? ['web'] : slots).map((slot) => [slot, end(leftMs)])));
  const create = (options: Partial<FenceOptions> = {}): NftFence =>
    rig.on('a', () =>
      createNftFence({
        interfaces: ['eth0'],
        clocks,
        owner: 'off',
        changed: (what) => told.push(what),
        ...options,
      }),
    );
  const remake = (options: Partial<FenceOptions>): void => {
    fence.dispose();
    fence = create(options);
    fence.guard([WEB]);
  };
  const refusesOutput = (): boolean => {
    try {
      rig.virtual4.send('out', B4, PORT);
      return false;
    } catch (error) {
      expect(error).toMatchObject({ code: 'EPERM' });
      return true;
    }
  };
  const socket = (): NetlinkSocket => rig.keep(rig.on('a', () => new NetlinkSocket(NETLINK_NETFILTER)));
  const nft = (...words: string[]): string => rig.run('a', 'nft', ...words);

  beforeEach(() => {
    told = [];
    rig = new FenceRig();
    fence = create();
    fence.guard([WEB]);
  });

  afterEach(() => {
    fence.dispose();
    rig.close();
  });

  test.each([
    { by: 'the wall clock', wallLeftMs: 300, timeoutMs: LONG_MS },
    { by: 'the timeout', wallLeftMs: LONG_MS, timeoutMs: 300 },
  ])('closes by $by alone', async ({ wallLeftMs, timeoutMs }) => {
    openFor(LONG_MS);
    fence.check();
    const places = horizonPlaces('vnfpool', 1);
    const own = socket();
    const flushed = places.map(({ family, set }) =>
      nft('flush', 'set', family === 1 ? 'inet' : 'netdev', 'vnfpool', set),
    );
    expect(flushed).toHaveLength(2);
    const element = horizonElement(end(wallLeftMs), readClocks(clocks), 1);
    if (element === undefined) throw new Error('too slow');
    expect(
      changeSets(
        own,
        places.map((place) => ({ change: 'add', place, elements: [{ ...element, timeoutMs }] })),
      ),
    ).toBeUndefined();
    expect(refusesOutput()).toBe(false);
    await until('the kernel to close', refusesOutput);
    expect(fence.isOpen('web')).toBe(false);
    // The fence finds what it did not write itself, tells it, and opens by this renewal.
    openFor(LONG_MS);
    expect(fence.isOpen('web')).toBe(true);
    expect(refusesOutput()).toBe(false);
  });

  test('what is expected opens nothing, and makes the opening a change of the map alone', async () => {
    const endMs = end(LONG_MS);
    fence.expect(endMs);
    expect(fence.lastHorizons).toBe(1);
    fence.expect(endMs);
    expect(fence.lastHorizons).toBe(0);
    expect(fence.isOpen('web')).toBe(false);
    fence.openUntil(new Map([['web', endMs + 1]]));
    expect(fence.lastHorizons).toBe(0);
    expect(await rig.passing()).toEqual(['in4', 'out4', 'in6', 'out6']);
    fence.openUntil(new Map([['web', endMs + 100]]));
    expect(fence.lastHorizons).toBe(1);
    fence.close('web');
    const soonMs = end(150);
    fence.expect(soonMs);
    fence.openUntil(new Map([['web', soonMs]]));
    await until('the end', () => clocks.boottimeMs() > soonMs);
    expect(await rig.passing()).toEqual([]);
    fence.check();
    expect(told).toEqual([]);
  });

  test('a rehearsal leaves all as it was, and says why it could not be', () => {
    openFor(LONG_MS);
    const before = nft('list', 'chains');
    expect(rig.on('a', () => rehearseFence(clocks, 3))).toBe('');
    expect(nft('list', 'chains')).toBe(before);
    fence.check();
    expect(fence.isOpen('web')).toBe(true);
    const stopped = { ...clocks, wallMs: () => Number.NaN };
    expect(rig.on('a', () => rehearseFence(stopped, 1))).not.toBe('');
    expect(nft('list', 'chains')).toBe(before);
  });

  test('a pause between the two clocks shortens the interval', () => {
    let endMs = 0;
    remake({
      clocks: {
        wallMs: () => {
          const reading = clocks.wallMs();
          while (clocks.boottimeMs() <= endMs);
          return reading;
        },
        boottimeMs: () => clocks.boottimeMs(),
      },
    });
    endMs = end(50);
    fence.openUntil(new Map([['web', endMs]]));
    expect(refusesOutput()).toBe(true);
  });

  test.each([-3_600_000, 3_600_000])(
    'a wall clock that stepped by %d ms after the reading closes',
    (byMs) => {
      remake({
        clocks: { wallMs: () => clocks.wallMs() - byMs, boottimeMs: () => clocks.boottimeMs() },
      });
      openFor(LONG_MS);
      expect(refusesOutput()).toBe(true);
    },
  );

  test('a remainder below two jiffies closes', () => {
    openFor(LONG_MS);
    openFor(1);
    expect(refusesOutput()).toBe(true);
  });

  test('computes anew when the rules changed between computing and writing', () => {
    let meddle = false;
    let tables = 0;
    remake({
      clocks: {
        wallMs: () => {
          if (meddle) nft('add', 'table', 'inet', `another${++tables}`);
          meddle = false;
          return clocks.wallMs();
        },
        boottimeMs: () => clocks.boottimeMs(),
      },
    });
    // Once while nothing was looked at yet, once when all is known.
    for (const recomputed of [1, 2]) {
      meddle = true;
      openFor(LONG_MS);
      expect(fence.recomputed).toBe(recomputed);
    }
    expect(fence.isOpen('web')).toBe(true);
    // Nothing of ours was changed.
    expect(told).toEqual([]);
  });

  test('a renewal of many slots is one transaction with one element, also when some ran out', async () => {
    const others = Array.from({ length: 20 }, (_, at) => ({
      slot: `s${at}`,
      guarded: [address(`10.9.1.${at + 1}`)],
    }));
    const names = ['web', ...others.map(({ slot }) => slot)];
    fence.guard([WEB, ...others]);
    openFor(LONG_MS, ...names);
    const own = socket();
    const generation = readGeneration(own);
    openFor(LONG_MS, ...names);
    expect(readGeneration(own)).toBe(generation + 1);
    expect(fence.lastHorizons).toBe(1);
    openFor(50, ...names);
    await until('the kernel to close', refusesOutput);
    openFor(LONG_MS, ...names);
    expect(names.every((slot) => fence.isOpen(slot))).toBe(true);
    // One closes, as its end has come, in the transaction that moves the others.
    fence.openUntil(new Map(names.map((slot) => [slot, slot === 'web' ? 0 : end(LONG_MS)])));
    expect(refusesOutput()).toBe(true);
    expect(fence.isOpen('s0')).toBe(true);
  });

  test('covers loopback', () => {
    expect(() => rig.own4.send('x', VIP4, PORT)).not.toThrow();
    expect(rig.virtual4.poll()).toEqual([]);
    // Sender within the guarded address.
    expect(refusesOutput()).toBe(true);
    openFor(LONG_MS);
    rig.virtual4.send('inside', VIP4, PORT);
    expect(rig.virtual4.poll()).toContain('inside');
  });

  test('without the egress hook says the lesser guarantee, and answers no ARP all the same', async () => {
    remake({ egress: 'off' });
    expect(fence.guarantee).toContain('AF_PACKET');
    expect(refusesOutput()).toBe(true);
    expect(await rig.announces()).toEqual(['arp', 'na']);
    expect(await rig.answers()).toEqual([]);
    openFor(LONG_MS);
    expect(await rig.answers()).toEqual(['arp', 'na']);
  });

  test('the rules can be listed', () => {
    openFor(LONG_MS);
    const listed = nft('list', 'ruleset');
    expect(listed).toContain('ip saddr vmap @address4');
    expect(listed).toContain(`${VIP4} : jump horizon1`);
    expect(listed).toContain('meta protocol . meta time != @until1 drop');
  });

  test.each([
    { what: 'everything flushed', by: ['flush', 'ruleset'], told: /table netdev vnfpool is gone/ },
    {
      what: 'a table removed',
      by: ['delete', 'table', 'inet', 'vnfpool'],
      told: /table inet vnfpool is gone/,
    },
    {
      what: 'an address taken out',
      by: ['delete', 'element', 'netdev', 'vnfpool', 'address4', `{ ${VIP4} }`],
      told: /10\.9\.0\.100 is not as it was/,
    },
    {
      what: 'rules flushed',
      by: ['flush', 'chain', 'inet', 'vnfpool', 'out'],
      told: /rule out .*is gone/,
    },
    {
      what: 'a rule before ours',
      by: ['insert', 'rule', 'inet', 'vnfpool', 'out', 'accept'],
      told: /rule out .*is new/,
    },
    {
      what: 'a table put to sleep',
      by: ['add', 'table', 'inet', 'vnfpool', '{ flags dormant; }'],
      told: /table .*is gone/,
    },
    {
      what: 'a horizon that lasts longer',
      by: ['add', 'element', 'inet', 'vnfpool', 'until2', '{ ip . "2000-01-01"-"2090-01-01" timeout 1000h }'],
      told: /until2 is not ours/,
    },
  ])('$what by others: noticed, closed, told, and open by the next renewal', async ({ by, told: words }) => {
    openFor(LONG_MS);
    await rig.acquaint();
    fence.check();
    expect(told).toEqual([]);
    nft(...by);
    fence.check();
    expect(told).toHaveLength(1);
    expect(told[0]).toMatch(words);
    expect(told[0]).toMatch(/put right/);
    expect(await rig.passing()).toEqual([]);
    openFor(LONG_MS);
    expect(await rig.passing()).toEqual(['in4', 'out4', 'in6', 'out6']);
    fence.check();
    expect(told).toHaveLength(1);
  });

  test('a renewal notices before it writes', () => {
    openFor(LONG_MS);
    fence.check();
    nft('flush', 'ruleset');
    openFor(LONG_MS);
    expect(told).toHaveLength(1);
    expect(fence.isOpen('web')).toBe(true);
  });

  test('what others do with tables of their own is none of ours', () => {
    openFor(LONG_MS);
    nft('add', 'table', 'inet', 'another');
    fence.check();
    openFor(LONG_MS);
    expect([told, fence.isOpen('web')]).toEqual([[], true]);
  });

  test('a closing works when the tables are gone', () => {
    openFor(LONG_MS);
    nft('flush', 'ruleset');
    fence.close('web');
    expect(refusesOutput()).toBe(true);
    expect(told).toHaveLength(1);
  });

  test('a link that is made anew is guarded again', () => {
    const add = (): void => {
      rig.run('a', 'ip', 'link', 'add', 'vip0', 'link', 'eth0', 'type', 'macvlan');
    };
    add();
    fence.guard([WEB, { slot: 'mac', guarded: [{ what: 'link', link: 'vip0' }] }]);
    openFor(LONG_MS);
    rig.run('a', 'ip', 'link', 'del', 'vip0');
    fence.check();
    expect(told.at(-1)).toMatch(/link vip0 is gone/);
    add();
    fence.check();
    expect(told.at(-1)).toMatch(/link vip0 is a new one/);
    rig.run('a', 'ip', 'link', 'set', 'vip0', 'up');
    const frame = new Uint8Array(60).fill(0xff, 0, 6);
    expect(rig.tap('a', 3, 'vip0').send(frame)).toBe(false);
    openFor(LONG_MS, 'mac');
    expect(rig.tap('a', 3, 'vip0').send(frame)).toBe(true);
  });

  test('where the kernel knows owners, nobody else can change the tables while we live', () => {
    remake({ owner: 'auto' });
    if (fence.guarantee.includes('others may change')) return;
    openFor(LONG_MS);
    nft('flush', 'ruleset');
    expect(() => nft('delete', 'table', 'inet', 'vnfpool')).toThrow(/not permitted/);
    expect(fence.isOpen('web')).toBe(true);
    // They stay when we end; the next one takes them over.
    fence.abandon();
    expect(nft('list', 'tables')).toContain('inet vnfpool');
    fence = create();
    expect(refusesOutput()).toBe(true);
  });

  test('refuses bad names', () => {
    expect(() => create({ table: 'a b' })).toThrow(/table name/);
    expect(() => create({ interfaces: [] })).toThrow(/needs a link/);
    expect(() => create({ interfaces: ['eth0"'] })).toThrow(/interface name/);
  });
});
