// SPDX-License-Identifier: Apache-2.0
import type { DeclaredPool, DeclaredRedundancy, DeclaredSet } from '@vnfpool/core/declared';
import { diff, explainPool, failoverWords } from '@vnfpool/core/planner';
import { describe, expect, test } from 'vitest';
import { node, pool, set, World } from './world.ts';

const NODES = ['a', 'b', 'c'];
const ALONE =
  'normal: lease 300 ms, renewed every 100 ms; nobody else could take a slot: it is back when its own instance is ready again, and where the node has died, not before that is back';
const REPLACED = 'normal: lease 300 ms, renewed every 100 ms; a dead node is replaced within 348 ms';

function only(redundancy: DeclaredRedundancy, nodes = NODES, witnesses: readonly string[] = []) {
  const own: DeclaredPool = { ...pool('web', 1), redundancy };
  const made = set(nodes, [own]);
  const declared: DeclaredSet = {
    ...made,
    nodes: nodes.map((name) => ({ name, ...(witnesses.includes(name) ? { witness: true as const } : {}) })),
  };
  return { own, declared };
}

describe('a replacement is promised where somebody could take the slot', () => {
  test.each<[string, DeclaredRedundancy, string]>([
    ['none', { slots: 1, standbys: 0, spares: 0 }, ALONE],
    ['N-way active: each by its own slot', { slots: 3, standbys: 0, spares: 0 }, ALONE],
    ['1+1', { slots: 1, standbys: 1, spares: 0 }, REPLACED],
    ['a spare alone, which is a candidate too', { slots: 1, standbys: 0, spares: 1 }, REPLACED],
    ['N+1, and no node is left for the one that waits', { slots: 3, standbys: 1, spares: 0 }, ALONE],
    [
      'N-way, with room at the others',
      { slots: 4, standbys: 0, spares: 0, instances: 3, slotsPerInstance: 2 },
      REPLACED,
    ],
    ['N-way of one', { slots: 4, standbys: 0, spares: 0, instances: 1, slotsPerInstance: 8 }, ALONE],
  ])('%s', (_, redundancy, expected) => {
    const { own, declared } = only(redundancy);
    expect(failoverWords(own, declared)).toBe(expected);
  });

  test.each<[string, readonly string[], readonly string[]]>([
    ['of one node', ['a'], []],
    ['of one node and witnesses, which run nothing', NODES, ['b', 'c']],
  ])('a standby that is declared in a set %s has nowhere to be', (_, nodes, witnesses) => {
    const { own, declared } = only({ slots: 1, standbys: 1, spares: 0 }, [...nodes], witnesses);
    expect(failoverWords(own, declared)).toBe(ALONE);
  });

  test('so say the plan and what explains the pool', () => {
    const { own, declared } = only({ slots: 1, standbys: 0, spares: 0 });
    expect(diff(null, declared).map(({ detail }) => detail)).toContainEqual(
      expect.stringMatching(`failover ${ALONE}$`),
    );
    const world = new World(NODES.map((name, at) => node(name, at + 1)));
    world.settle(declared);
    expect(explainPool(declared, world.observed, own.name)?.lines).toContain(`Failover ${ALONE}.`);
  });
});

describe('and what is said where nobody waits is so', () => {
  test.each([
    ['it stays where it is', false],
    ['it is made anew elsewhere', true],
  ])('of a dead node the slot comes back with the node: %s', (_, isUnfit) => {
    const { declared } = only({ slots: 1, standbys: 0, spares: 0 });
    const world = new World(NODES.map((name, at) => node(name, at + 1)));
    world.settle(declared);
    const [{ id } = { id: '' }] = world.slots;
    const [home] = world.instances.map((each) => each.node);
    const become = (state: 'lost' | 'registered'): void => {
      const heard = state === 'registered';
      world.nodes = world.nodes.map((each) => (each.name === home ? { ...each, state, heard } : each));
    };
    // Its lease has run out.
    world.slots = world.slots.map((slot) => ({ ...slot, holder: null }));
    world.instances = world.instances.map((each) => ({ ...each, ...(isUnfit ? { isUnfit } : {}) }));
    become('lost');
    world.settle(declared);
    expect(world.slots).toMatchObject([{ id, holder: null }]);
    expect(world.instances.map((each) => each.node === home)).toEqual([!isUnfit]);

    become('registered');
    // Who was there comes back with its function, as its agent says.
    if (!isUnfit)
      world.instances = world.instances.map((each) => ({ ...each, assignment: null, status: null }));
    world.settle(declared);
    expect(world.slots).toMatchObject([{ holder: world.instances[0]?.functionId }]);
  });
});
