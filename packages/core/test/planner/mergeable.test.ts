// SPDX-License-Identifier: Apache-2.0
import type { DeclaredPool } from '@vnfpool/core/declared';
import { configurationOf } from '@vnfpool/core/planner';
import { expect, test } from 'vitest';
import { node, pool, set, World } from './world.ts';

/* Who keeps the mergeable state of a pool together. */

const NODES = ['a', 'b', 'c', 'd'];
const counted: DeclaredPool = {
  ...pool('kv', 3, 0, 0, { state: { via: 'socket', merges: true } }),
  redundancy: { slots: 3, standbys: 0, spares: 0, instances: 3, slotsPerInstance: 3 },
  sharing: { methods: ['gossip'] },
};

function told(world: World, declared: DeclaredPool = counted) {
  return configurationOf(set(NODES, [declared]), world.observed, { registrars: [] });
}

function settled(declared: DeclaredPool = counted): World {
  const world = new World(NODES.map((name, index) => node(name, index + 1)));
  world.settle(set(NODES, [declared]));
  return world;
}

test('nodes are told of every instance of a pool that goes by gossip, and nothing of its slots', () => {
  const configuration = told(settled());
  expect(configuration?.mergeable).toEqual([
    {
      pool: 'kv',
      instances: [
        { node: 1, functionId: 1 },
        { node: 2, functionId: 2 },
        { node: 3, functionId: 3 },
      ],
    },
  ]);
  expect(
    configuration?.slots.every(
      ({ sharing, lastResort }) => sharing === undefined && lastResort.rule === 'after',
    ),
  ).toBe(true);
});

test('an instance on its way stands at both ends, and its destination is among the nodes', () => {
  const world = settled();
  const [first] = world.instances;
  world.instances = world.instances.map((each) =>
    each === first ? { ...each, move: { to: 'd', phase: 'ordered', busy: false } } : each,
  );
  const configuration = told(world);
  expect(configuration?.mergeable?.[0]?.instances.filter(({ functionId }) => functionId === 1)).toEqual([
    { node: 1, functionId: 1 },
    { node: 4, functionId: 1 },
  ]);
  expect(configuration?.nodes.map((each) => each.node)).toContain(4);
});

test('nothing is told of pools that share otherwise, or not at all', () => {
  const { sharing: _sharing, ...without } = counted;
  for (const declared of [without, { ...counted, sharing: { methods: ['none'] as const } }])
    expect(told(settled(declared), declared)).not.toHaveProperty('mergeable');
});
