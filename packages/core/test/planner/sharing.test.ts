// SPDX-License-Identifier: Apache-2.0
import type { DeclaredPool, DeclaredSharing } from '@vnfpool/core/declared';
import { configurationOf, type Observed, plan, settlementAlone, settlementOf } from '@vnfpool/core/planner';
import { levelWords, notCarriedOut, offersOf, slotSharingOf } from '@vnfpool/core/state-level';
import type { OfferedLevel, SetConfiguration } from '@vnfpool/wire/mobility';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { conntrack, held } from '../state-level/levels.ts';
import { node, pool, set, World } from './world.ts';

const NODES = ['a', 'b', 'c'];

/** Pool kv, 1+1 with a spare, whose function shares what it says in this format. */
function kv(
  sharing: DeclaredSharing | undefined,
  change: Partial<DeclaredPool['function']> = { state: { via: 'socket', format: 'kv/1', shares: true } },
): DeclaredPool {
  return { ...pool('kv', 1, 1, 1, change), ...(sharing === undefined ? {} : { sharing }) };
}

const HELD: DeclaredSharing = { methods: ['replicate'], loss: 0 };
const BOUNDED: DeclaredSharing = { methods: ['replicate'], loss: { ms: 2_000 }, lastResortMs: 10_000 };

function worldOf(declared: DeclaredPool): World {
  const world = new World(NODES.map((name, index) => node(name, index + 1)));
  world.settle(set(NODES, [declared]));
  return world;
}

function told(world: World, declared: DeclaredPool): SetConfiguration['slots'][number] | undefined {
  return configurationOf(set(NODES, [declared]), world.observed, { registrars: [] })?.slots[0];
}

describe('nodes are told', () => {
  test.each<[string, DeclaredSharing, object]>([
    [
      'nothing lost',
      HELD,
      {
        sharing: { method: 'replicate', lossUpdates: 0, acknowledgedBy: 0, overload: 'block' },
        lastResort: { rule: 'never' },
      },
    ],
    [
      'so much time lost',
      BOUNDED,
      {
        sharing: {
          method: 'replicate',
          lossUpdates: 1_000_000,
          lossMs: 2_000,
          acknowledgedBy: 0,
          overload: 'degrade',
        },
        lastResort: { rule: 'after', afterMs: 10_000 },
      },
    ],
    [
      'so many updates lost, while one acknowledges',
      { methods: ['replicate'], loss: { updates: 50 }, acknowledged: 1, overload: 'block' },
      {
        sharing: { method: 'replicate', lossUpdates: 50, acknowledgedBy: 1, overload: 'block' },
        lastResort: { rule: 'never' },
      },
    ],
    [
      'secrets under a seal',
      { ...HELD, encryption: true, securityState: 'sealed' },
      { sharing: { method: 'replicate', lossUpdates: 0, securityState: 'sealed' } },
    ],
    [
      'secrets that are made anew',
      { ...HELD, encryption: true, securityState: 're-derive' },
      { sharing: { method: 'replicate', lossUpdates: 0, securityState: 're-derive' } },
    ],
  ])('%s', (_, sharing, expected) => {
    const declared = kv(sharing);
    expect(told(worldOf(declared), declared)).toMatchObject(expected);
  });

  test('connections, by the kernel', () => {
    const declared = kv({ methods: ['conntrack'], loss: { ms: 500 } }, { state: { via: 'conntrack' } });
    expect(told(worldOf(declared), declared)?.sharing).toEqual({
      method: 'conntrack',
      lossUpdates: 1_000_000,
      lossMs: 500,
      acknowledgedBy: 0,
      overload: 'degrade',
    });
  });

  test.each<[string, DeclaredPool]>([
    ['who asks for nothing', kv(undefined)],
    ['who asks for none', kv({ methods: ['none'] })],
    ['cookies, which the function leaves', kv({ methods: ['cookie'], lastResortMs: 5 })],
  ])('nothing of %s', (_, declared) => {
    const slot = told(worldOf(declared), declared);
    // Whoever became a candidate while nobody held the slot loses nothing by taking it.
    expect(slot).toMatchObject({ lastResort: { rule: 'after', afterMs: 1_000 } });
    expect(slot).not.toHaveProperty('sharing');
  });

  test('of secrets nothing, where they stay', () => {
    const declared = kv(HELD);
    expect(told(worldOf(declared), declared)?.sharing).not.toHaveProperty('securityState');
  });

  test('where a node takes state, and with which key secrets are sealed to it', () => {
    const declared = kv(HELD);
    const world = worldOf(declared);
    world.nodes = world.nodes.map((each) =>
      each.name === 'b' && each.endpoint
        ? { ...each, endpoint: { ...each.endpoint, replicationPort: 7_410, sealKey: 'key of b' } }
        : each,
    );
    const peers = configurationOf(set(NODES, [declared]), world.observed, { registrars: [] })?.nodes;
    expect(peers?.map(({ replicationPort }) => replicationPort)).toEqual([undefined, 7_410, undefined]);
    expect(peers?.map(({ sealKey }) => sealKey)).toEqual([undefined, 'key of b', undefined]);
  });
});

describe('a level is settled', () => {
  test('once, before anything is told to a node, and not again', () => {
    const declared = kv(HELD);
    const world = new World(NODES.map((name, index) => node(name, index + 1)));
    const done = world.settle(set(NODES, [declared])).map(({ type }) => type);
    expect(done.filter((type) => type === 'settle-sharing')).toHaveLength(1);
    expect(done.indexOf('settle-sharing')).toBeLessThan(done.indexOf('configure'));
    expect(plan(set(NODES, [declared]), world.observed, { registrars: [] }).decisions).toEqual([]);
  });

  test('again when the pool asks for something else, and not at all when it asks for nothing', () => {
    const world = worldOf(kv(HELD));
    const done = world.settle(set(NODES, [kv(BOUNDED)])).map(({ type }) => type);
    // Live: running instances go on.
    expect(done).toEqual(['settle-sharing', 'configure', 'configure', 'configure']);
    expect(world.sharing.map(({ level }) => levelWords(level))).toEqual([
      'replicate per key, opaque kv/1, at most 2000 ms behind',
    ]);
    world.settle(set(NODES, [kv(undefined)]));
    expect(world.sharing).toEqual([]);
  });

  test('without replacing anybody when only the offers change, of which nodes need not know', () => {
    const world = worldOf(kv(HELD));
    const state = { via: 'socket', format: 'kv/1', shares: true, offers: [held] } as const;
    const done = world.settle(set(NODES, [kv(HELD, { state })])).map(({ type }) => type);
    expect(done).toEqual(['settle-sharing']);
  });

  test('amid an upgrade whose versions have nothing in common not before its end', () => {
    const format = (name: string): Partial<DeclaredPool['function']> => ({
      state: { via: 'socket', format: name, shares: true },
    });
    const asked: DeclaredSharing = { methods: ['replicate', 'cookie'] };
    const world = worldOf(kv(asked, format('kv/1')));
    const next = kv(asked, format('kv/2'));
    const methods: string[] = [];
    const done = world.settle(set(NODES, [next]), 200).flatMap((action) => {
      if (action.type === 'settle-sharing') methods.push(action.level?.method ?? '');
      return action.type === 'settle-sharing' || action.type === 'upgrade-turn' ? [action.type] : [];
    });
    // Cookies of the one version are of no use to the other either.
    expect(methods).toEqual(['replicate']);
    expect(done.at(-1)).toBe('settle-sharing');
  });

  test('by the next best while two versions run that do not understand each other', () => {
    const asked: DeclaredSharing = { methods: ['replicate', 'none'] };
    const before = kv(asked, { state: { via: 'socket', format: 'kv/1', shares: true } });
    const next = kv(asked, { state: { via: 'socket', format: 'kv/2', shares: true } });
    const world = worldOf(before);
    const done = world
      .settle(set(NODES, [next]), 200)
      .flatMap((action) =>
        action.type === 'settle-sharing'
          ? [action.level ? levelWords(action.level) : '']
          : action.type === 'upgrade-turn' || action.type === 'upgrade-end'
            ? [action.type]
            : [],
      );
    expect(done).toEqual([
      'none',
      'upgrade-turn',
      'upgrade-turn',
      'upgrade-turn',
      'upgrade-end',
      'replicate per key, opaque kv/2, at most 1000 ms behind',
    ]);
    expect(settlementOf(next, world.observed)?.reason).toBe('the pool prefers it; all 3 instances offer it');
  });

  test('and stays where nothing could be settled any more', () => {
    const world = worldOf(kv(HELD));
    const next = kv(HELD, { state: { via: 'socket' } });
    const former = world.sharing;
    world.settle(set(NODES, [next]), 200);
    expect(world.sharing).toEqual(former);
    expect(settlementOf(next, world.observed)?.level).toBeNull();
  });

  test('of the instances of an N-way pool, which stand by for each other', () => {
    const redundancy = { slots: 3, standbys: 0, spares: 0, instances: 3, slotsPerInstance: 2 };
    const declared = { ...kv(HELD), redundancy };
    expect(told(worldOf(declared), declared)?.sharing).toMatchObject({ lossUpdates: 0 });
    expect(
      settlementAlone({ ...kv(HELD), redundancy: { slots: 2, standbys: 0, spares: 0 } })?.reason,
    ).toContain('the pool declares no standbys');
  });
});

const asks: fc.Arbitrary<DeclaredSharing> = fc.record(
  {
    methods: fc.constantFrom<DeclaredSharing['methods']>(
      ['replicate'],
      ['replicate', 'none'],
      ['conntrack', 'replicate'],
      ['cookie', 'replicate', 'none'],
    ),
    loss: fc.constantFrom<NonNullable<DeclaredSharing['loss']>>(0, { ms: 20 }, { ms: 3_000 }, { updates: 7 }),
    acknowledged: fc.integer({ min: 1, max: 3 }),
    overload: fc.constantFrom('block', 'degrade', 'shed'),
    encryption: fc.constant(true as const),
  },
  { requiredKeys: ['methods'] },
);
const states = fc.constantFrom<DeclaredPool['function']['state']>(
  { via: 'socket', shares: true },
  { via: 'socket', shares: true, format: 'kv/1' },
  { via: 'conntrack' },
  { via: 'socket' },
  { via: 'socket', shares: true, offers: [held] },
  undefined,
);
const functions = states.map((state) => (state === undefined ? {} : { state }));

test('whatever is asked: what follows from a function is kept by node agents, and a settled level is told as it is', () => {
  fc.assert(
    fc.property(asks, functions, (sharing, change) => {
      const declared = kv(sharing, change);
      const offers: readonly OfferedLevel[] = offersOf(declared.function, sharing);
      expect(offers.map(notCarriedOut).filter((each) => each !== null)).toEqual([]);
      const level = settlementAlone(declared)?.level ?? null;
      const told = level && slotSharingOf(level, sharing);
      if (told?.method === 'checkpoint') return;
      if (told?.method === 'shared') {
        if (sharing.loss === 0)
          expect(told).toMatchObject({ writes: { type: 'through' }, overload: 'block' });
        return;
      }
      if (told && sharing.loss === 0) expect(told).toMatchObject({ lossUpdates: 0, overload: 'block' });
      if (told && sharing.loss && 'ms' in sharing.loss)
        expect(told.lossMs ?? 0).toBeLessThanOrEqual(sharing.loss.ms);
      if (told && sharing.acknowledged)
        expect(told.acknowledgedBy).toBeGreaterThanOrEqual(sharing.acknowledged);
    }),
  );
});

test('whatever runs: the order of instances, nodes and records makes no difference, and a settled pool is settled', () => {
  fc.assert(
    fc.property(
      asks,
      functions,
      functions,
      fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
      (sharing, one, other, dice) => {
        const world = worldOf(kv(sharing, one));
        const next = kv(sharing, { ...other, arguments: ['next'] });
        world.passes = false;
        world.declare(set(NODES, [next]));
        const shuffled = <Item>(items: readonly Item[]): Item[] =>
          items
            .map((item) => ({ item, at: dice.next().value as number }))
            .sort((a, b) => a.at - b.at)
            .map(({ item }) => item);
        const observed: Observed = world.observed;
        const mixed: Observed = {
          ...observed,
          nodes: shuffled(observed.nodes),
          instances: shuffled(observed.instances),
          slots: shuffled(observed.slots),
        };
        expect(settlementOf(next, mixed)).toEqual(settlementOf(next, observed));
        const first = plan(set(NODES, [next]), observed, { registrars: [] }).decisions;
        expect(plan(set(NODES, [next]), mixed, { registrars: [] }).decisions).toEqual(first);
        for (const each of first) world.carryOut(each);
        const again = plan(set(NODES, [next]), world.observed, { registrars: [] }).decisions;
        expect(again.filter(({ type }) => type === 'settle-sharing')).toEqual([]);
      },
    ),
    { numRuns: 40 },
  );
});

test('an offer that agents do not keep is named', () => {
  expect(notCarriedOut(conntrack)).toEqual({
    key: 'overload',
    why: 'the kernel refuses no new flows for it yet: must be degrade',
  });
});
