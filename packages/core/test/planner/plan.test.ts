// SPDX-License-Identifier: Apache-2.0

import { diff, explainPool, plan, rolesOf } from '@vnfpool/core/planner';
import { describe, expect, test } from 'vitest';
import { node, pool, set, World } from './world.ts';

const NODES = ['a', 'b', 'c'];
const nodes = () => NODES.map((name, index) => node(name, index + 1));

function settled(declared = set(NODES, [pool('web', 1, 1, 1)])): World {
  const world = new World(nodes());
  world.settle(declared);
  return world;
}

describe('roles', () => {
  test('the holder is active, the first ready instance stands by, the rest are spares', () => {
    const world = settled();
    const web = pool('web', 1, 1, 1);
    expect(rolesOf(web, world.observed).map(({ role }) => role)).toEqual(['active', 'standby', 'spare']);
    world.instances = world.instances.map((instance) =>
      instance.number === 2 ? { ...instance, healthy: false } : instance,
    );
    expect(rolesOf(web, world.observed).map(({ role }) => role)).toEqual(['active', 'spare', 'standby']);
  });

  test('after a failover the spare becomes the standby, and nobody is moved', () => {
    const world = settled();
    world.nodes = world.nodes.map((each) => (each.name === 'a' ? { ...each, state: 'lost' } : each));
    world.slots = world.slots.map((slot) => ({ ...slot, holder: 2, epoch: slot.epoch + 1 }));
    expect(rolesOf(pool('web', 1, 1, 1), world.observed).map(({ role }) => role)).toEqual([
      'spare',
      'active',
      'standby',
    ]);
    const { decisions, commands } = plan(set(NODES, [pool('web', 1, 1, 1)]), world.observed, {
      registrars: [],
    });
    expect(decisions).toEqual([]);
    expect(commands.map(({ type }) => type)).toEqual(['assign', 'assign']);
  });

  test('who stands by goes on doing so when the former holder comes back', () => {
    const declared = set(NODES, [pool('web', 1, 1, 1)]);
    const world = settled(declared);
    const healthy = (number: number, is: boolean) => {
      world.instances = world.instances.map((instance) =>
        instance.number === number ? { ...instance, healthy: is } : instance,
      );
    };
    healthy(1, false);
    world.slots = world.slots.map((slot) => ({ ...slot, holder: 2, epoch: slot.epoch + 1 }));
    world.settle(declared);
    healthy(1, true);
    world.settle(declared);
    expect(rolesOf(pool('web', 1, 1, 1), world.observed).map(({ role }) => role)).toEqual([
      'spare',
      'active',
      'standby',
    ]);
  });

  test('without standbys every slot has its own instance as its only candidate', () => {
    const declared = set(NODES, [pool('calc', 3)]);
    const world = settled(declared);
    expect(world.slots.map(({ genesis }) => genesis.candidates)).toEqual([
      [{ node: 1, functionId: 1 }],
      [{ node: 2, functionId: 2 }],
      [{ node: 3, functionId: 3 }],
    ]);
    expect(world.slots.map(({ holder }) => holder)).toEqual([1, 2, 3]);
  });

  test('with standbys every instance is a candidate, its own instance first and other owners last', () => {
    const world = settled(set(NODES, [pool('web', 2, 1)]));
    expect(world.slots.map(({ genesis }) => genesis.candidates.map(({ functionId }) => functionId))).toEqual([
      [1, 3, 2],
      [2, 3, 1],
    ]);
  });
});

describe('orders', () => {
  test('a node that has not told what it runs gets none', () => {
    const world = settled();
    world.nodes = world.nodes.map((each) => ({ ...each, heard: false, configuration: null }));
    world.strays = [{ node: 'a', functionId: 99, busy: false }];
    expect(
      plan(
        set(NODES, [pool('web', 1)]),
        { ...world.observed, instances: world.instances.slice(0, 1) },
        { registrars: [] },
      ).commands,
    ).toEqual([]);
  });

  test('nothing declared: nothing is touched, strays neither', () => {
    const world = settled();
    world.strays = [{ node: 'a', functionId: 99, busy: false }];
    expect(plan(null, world.observed, { registrars: [] })).toEqual({ decisions: [], commands: [] });
  });

  test('no slot before the council is complete, and the explanation says who is missing', () => {
    const declared = set(NODES, [pool('web', 1, 1, 1)]);
    const world = new World(nodes().slice(0, 2));
    const done = world.settle(declared);
    expect(done.some(({ type }) => type === 'configure')).toBe(false);
    expect(explainPool(declared, world.observed, 'web')?.lines).toContain(
      'Slots wait until c has joined: the council is not complete.',
    );
  });

  test('a pool that is not declared any more ends: its functions, then nothing', () => {
    const world = settled();
    const done = world.settle(set(NODES, []));
    expect(done.filter(({ type }) => type === 'delete').length).toBe(3);
    expect(world.instances).toEqual([]);
    expect(world.slots).toEqual([]);
  });

  test('of too many instances one goes that neither holds a slot nor stands by', () => {
    const world = settled();
    world.slots = world.slots.map((slot) => ({ ...slot, holder: 3 }));
    world.settle(set(NODES, [pool('web', 1, 1, 0)]));
    expect(world.instances.map(({ number }) => number)).toEqual([2, 3]);
  });

  test('a changed function is replaced one at a time, the holder last and after a hand-over', () => {
    const world = settled();
    const next = set(NODES, [pool('web', 1, 1, 1, { arguments: ['new.mjs'] })]);
    const story = world
      .settle(next)
      .filter(({ type }) => type !== 'assign' && !type.startsWith('upgrade'))
      .map((action) =>
        'functionId' in action
          ? `${action.type} ${action.functionId}`
          : 'to' in action
            ? `${action.type} to ${action.to}`
            : action.type,
      );
    expect(story).toEqual(['delete 3', 'add 3', 'delete 2', 'add 2', 'handover to 2', 'delete 1', 'add 1']);
  });

  test('a slot whose instance had to move is born again once the old one is certainly gone', () => {
    const first = set(NODES, [pool('calc', 3)]);
    const world = settled(first);
    const former = world.slots.map(({ id }) => id);
    const next = { ...set(['a', 'b', 'd'], [pool('calc', 3)]), councils: first.councils };
    world.nodes = [
      ...world.nodes.map((each) => (each.name === 'c' ? { ...each, state: 'lost' as const } : each)),
      node('d', 4),
    ];
    world.settle(next);
    expect(world.slots.map(({ id }) => id)).toEqual(former);
    world.nodes = world.nodes.map((each) => ({ ...each, state: 'registered' }));
    world.settle(next);
    expect(
      world.slots
        .filter(({ id }) => !former.includes(id))
        .map(({ index, holder }) => [
          index,
          world.instances.find(({ functionId }) => functionId === holder)?.node,
        ]),
    ).toEqual([[2, 'd']]);
  });

  test.each([
    ['admitted later, on a node of which nothing is heard', [{ node: 2, functionId: 9 }], 'b'],
    ['unknown, for nobody has told who was admitted', null, ''],
  ] as const)('nor while somebody could hold the former one: %s', (_, admitted, lost) => {
    const declared = set(NODES, [pool('calc', 1)]);
    const world = settled(declared);
    const [former] = world.slots;
    world.instances = world.instances.map((each) => ({ ...each, functionId: 7, node: 'c' }));
    world.slots = world.slots.map((slot) => ({ ...slot, holder: null, admitted }));
    world.nodes = world.nodes.map((each) => ({ ...each, state: each.name === lost ? 'lost' : 'registered' }));
    expect(plan(declared, world.observed, { registrars: [] }).decisions).toEqual([]);
    world.slots = world.slots.map((slot) => ({ ...slot, admitted: [] }));
    world.nodes = world.nodes.map((each) => ({ ...each, state: 'registered' }));
    expect(plan(declared, world.observed, { registrars: [] }).decisions).toMatchObject([
      { type: 'delete-slot', id: former?.id },
    ]);
  });
});

test('a slot is born again when its instance is where no holder admitted it, though it was born there', () => {
  const declared = set(NODES, [pool('calc', 1)]);
  const world = settled(declared);
  const [former] = world.slots;
  world.slots = world.slots.map((slot) => ({
    ...slot,
    holder: null,
    admitted: [{ node: 2, functionId: 1 }],
  }));
  expect(plan(declared, world.observed, { registrars: [] }).decisions).toMatchObject([
    { type: 'delete-slot', id: former?.id },
  ]);
});

describe('diff', () => {
  const before = set(NODES, [pool('web', 1, 1, 1), pool('calc', 3)]);
  test.each([
    ['the same', before, []],
    ['a pool more', set(NODES, [...before.pools, pool('new', 1)]), ['create pool new']],
    ['a pool less', set(NODES, [pool('web', 1, 1, 1)]), ['delete pool calc']],
    ['another redundancy', set(NODES, [pool('web', 2, 1), pool('calc', 3)]), ['change pool web']],
    [
      'another program',
      set(NODES, [pool('web', 1, 1, 1, { program: 'bun' }), pool('calc', 3)]),
      ['change pool web'],
    ],
    ['another node', { ...set([...NODES, 'd'], before.pools), council: NODES }, ['create node d']],
  ])('%s', (_, next, expected) => {
    expect(diff(before, next).map(({ action, subject }) => `${action} ${subject}`)).toEqual(expected);
  });

  test('the password of a store is not shown', () => {
    const storedAt = (storeAddress: string) =>
      set(NODES, [{ ...pool('web', 1, 1), sharing: { methods: ['shared'], store: 'main', storeAddress } }]);
    const [change] = diff(
      storedAt('redis://pool:one@of:many@store:1/2'),
      storedAt('etcds://:other@a:1,b:2?ca=/ca.pem'),
    );
    expect(change?.detail).toBe(
      'sharing: shared, store "main", storeAddress "redis://pool:…@store:1/2" → shared, store "main", storeAddress "etcds://:…@a:1,b:2?ca=/ca.pem"',
    );
  });

  test('the first declaration creates everything', () => {
    expect(diff(null, before).map(({ action, subject }) => `${action} ${subject}`)).toEqual([
      'create set edge',
      'create pool web',
      'create pool calc',
    ]);
  });
});
