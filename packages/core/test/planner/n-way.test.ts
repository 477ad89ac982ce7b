// SPDX-License-Identifier: Apache-2.0

import type { DeclaredPool } from '@vnfpool/core/declared';
import {
  type Command,
  configurationOf,
  type Decision,
  plan,
  slotsOf,
  standbysOf,
} from '@vnfpool/core/planner';
import { describe, expect, test } from 'vitest';
import { node, pool, set, World } from './world.ts';

const NODES = ['a', 'b', 'c', 'd'];
/** Six slots on three instances: each has two, and may have three. */
const shared: DeclaredPool = {
  ...pool('web', 6),
  redundancy: { slots: 6, standbys: 0, spares: 0, instances: 3, slotsPerInstance: 3 },
};
const declared = set(NODES, [shared]);

function settled(): World {
  const world = new World(NODES.map((name, index) => node(name, index + 1)));
  world.settle(declared);
  // As instances start at the same time: each takes its own.
  world.slots = world.slots.map((slot) => ({ ...slot, holder: (slot.index % 3) + 1 }));
  world.settle(declared);
  return world;
}

/** Numbers of the holders, by slot. */
const holders = (world: World) =>
  world.slots
    .toSorted((a, b) => a.index - b.index)
    .map(({ holder }) => world.instances.find(({ functionId }) => functionId === holder)?.number ?? null);

const done = (actions: readonly (Decision | Command)[]) =>
  actions
    .filter(({ type }) => !['assign', 'configure', 'upgrade-turn', 'upgrade-end'].includes(type))
    .map((action) =>
      action.type === 'handover'
        ? `hand over to ${action.to}`
        : `${action.type}${'functionId' in action ? ` ${action.functionId}` : ''}`,
    );

function change(world: World, number: number, values: Partial<World['instances'][number]>): void {
  world.instances = world.instances.map((each) => (each.number === number ? { ...each, ...values } : each));
}

/** What the council does when the instance is gone: by each slot's own list, whoever may hold one more. */
function lose(world: World, number: number): void {
  const gone = world.instances.find((each) => each.number === number)?.functionId;
  change(world, number, { healthy: false, isSteady: false });
  for (const { id } of world.slots.filter(({ holder }) => holder === gone)) {
    const slot = world.slots.find((each) => each.id === id);
    const next = (slot?.admitted ?? []).find(
      ({ functionId }) =>
        functionId !== gone && world.slots.filter(({ holder }) => holder === functionId).length < 3,
    );
    world.slots = world.slots.map((each) =>
      each.id === id ? { ...each, holder: next?.functionId ?? null, epoch: each.epoch + 1 } : each,
    );
  }
}

describe('N-way', () => {
  test('every instance holds its share, may take any other slot, and nodes know how many', () => {
    const world = settled();
    expect(world.instances).toHaveLength(3);
    expect(holders(world)).toEqual([1, 2, 3, 1, 2, 3]);
    const slots = configurationOf(declared, world.observed, { registrars: [] })?.slots ?? [];
    expect(slots.map(({ candidates }) => candidates.map(({ functionId }) => functionId))).toEqual([
      [1, 2, 3],
      [2, 1, 3],
      [3, 1, 2],
      [1, 3, 2],
      [2, 3, 1],
      [3, 2, 1],
    ]);
    expect(slots.map(({ slotsPerFunction }) => slotsPerFunction)).toEqual([3, 3, 3, 3, 3, 3]);
  });

  test('the slots of one that fails are spread over the others; it gets its own back when it has been ready for a while', () => {
    const world = settled();
    lose(world, 1);
    expect(holders(world)).toEqual([2, 2, 3, 3, 2, 3]);
    expect(done(world.settle(declared))).toEqual([]);
    change(world, 1, { healthy: true });
    expect(done(world.settle(declared))).toEqual([]);
    change(world, 1, { isSteady: true });
    expect(done(world.settle(declared))).toEqual(['hand over to 1', 'hand over to 1']);
    expect(holders(world)).toEqual([1, 2, 3, 1, 2, 3]);
  });

  test('is upgraded without an interruption: each hands its slots over before its turn is carried out', () => {
    const world = settled();
    const next = set(NODES, [{ ...shared, function: { ...shared.function, arguments: ['new.mjs'] } }]);
    world.declare(next);
    for (let round = 0; round < 200; round++) {
      const { decisions, commands } = plan(next, world.observed, { registrars: [] });
      if (decisions.length + commands.length === 0) break;
      for (const action of [...decisions, ...commands]) {
        world.carryOut(action);
        expect(world.slots.every(({ holder }) => holder !== null)).toBe(true);
      }
      world.prove();
    }
    expect(world.upgrades).toEqual([]);
    expect(new Set(world.instances.map(({ version }) => version)).size).toBe(1);
    expect(holders(world).toSorted()).toEqual([1, 1, 2, 2, 3, 3]);
  });

  test('whoever is ready and may hold one slot more stands by for the others, the first to try first', () => {
    const world = settled();
    const standbys = () =>
      slotsOf(shared, world.observed).map((slot) =>
        standbysOf(shared, slot, world.observed).map(({ number }) => number),
      );
    expect(standbys()).toEqual([
      [2, 3],
      [1, 3],
      [1, 2],
      [3, 2],
      [3, 1],
      [2, 1],
    ]);
    // With what it took over each of the others has as many as it may have.
    lose(world, 1);
    expect(standbys()).toEqual([[], [], [], [], [], []]);
    change(world, 1, { healthy: true });
    expect(standbys()).toEqual([[1], [1], [1], [1], [1], [1]]);
  });

  describe('a slot that was handed over by hand', () => {
    /** As the manager knows it when an operator's hand-over was carried out. */
    function handOver(world: World, index: number, to: number): void {
      world.slots = world.slots.map((slot) =>
        slot.index === index
          ? { ...slot, holder: to, epoch: slot.epoch + 1, handedFrom: slot.handedFrom ?? slot.holder ?? 0 }
          : slot,
      );
    }

    test('stays where it was put, and no other one moves for it, however many are taken from one', () => {
      const world = settled();
      handOver(world, 0, 2);
      expect(done(world.settle(declared))).toEqual([]);
      handOver(world, 3, 3);
      expect(done(world.settle(declared))).toEqual([]);
      // Passed on by hand again, it still counts where it was first.
      handOver(world, 0, 3);
      expect(done(world.settle(declared))).toEqual([]);
      expect(holders(world)).toEqual([3, 2, 3, 3, 2, 3]);
    });

    test('the others are shared as before: what failed comes back, to the share that was left', () => {
      const world = settled();
      handOver(world, 0, 2);
      lose(world, 1);
      expect(holders(world)).toEqual([2, 2, 3, 3, 2, 3]);
      change(world, 1, { healthy: true, isSteady: true });
      expect(done(world.settle(declared))).toEqual(['hand over to 1']);
      expect(holders(world)).toEqual([2, 2, 3, 1, 2, 3]);
      const [first] = world.slots.filter(({ index }) => index === 0);
      expect(first).toMatchObject({ holder: 2, handedFrom: 1 });
    });

    test('is as any other when the one that it was taken from is no more', () => {
      const world = settled();
      handOver(world, 0, 2);
      world.slots = world.slots.map((slot) => (slot.index === 0 ? { ...slot, handedFrom: 99 } : slot));
      expect(done(world.settle(declared))).toEqual(['hand over to 1']);
      expect(holders(world)).toEqual([1, 2, 3, 1, 2, 3]);
    });
  });

  test('a drained node gives up all its slots', () => {
    const world = settled();
    world.nodes = world.nodes.map((each) => ({ ...each, draining: each.name === 'a' || each.name === 'd' }));
    expect(done(world.settle(declared)).filter((each) => each.startsWith('hand'))).toHaveLength(2);
    expect(holders(world)).not.toContain(1);
  });

  test.each<[string, DeclaredPool]>([
    ['N-way active', pool('web', 3)],
    ['N+1', pool('web', 3, 1)],
    ['1+1', pool('web', 1, 1)],
  ])('from %s and back: instances that stay go on', (_, other) => {
    const world = new World(NODES.map((name, index) => node(name, index + 1)));
    world.settle(set(NODES, [other]));
    const before = world.instances.map(({ functionId }) => functionId);
    const actions = [...world.settle(declared), ...world.settle(set(NODES, [other]))];
    const dropped = actions.flatMap((each) => (each.type === 'drop' ? [each.functionId] : []));
    for (const action of actions) if (action.type === 'delete') expect(dropped).toContain(action.functionId);
    expect(dropped.length).toBe(Math.abs(3 - before.length));
    expect(holders(world)).not.toContain(null);
  });
});

test('an instance that got two slots where one is allowed gives one to somebody who is free', () => {
  const world = new World(NODES.map((name, index) => node(name, index + 1)));
  const web = set(NODES, [pool('web', 2, 1)]);
  world.settle(web);
  // Two holders died at once, and one standby was there.
  world.slots = world.slots.map((slot) => ({ ...slot, holder: 3, epoch: slot.epoch + 1 }));
  // Where slots are not shared, no word of an operator's keeps two with one.
  world.slots = world.slots.map((slot) => ({ ...slot, handedFrom: 1 }));
  expect(done(world.settle(web))).toEqual(['hand over to 2']);
  expect(holders(world)).toEqual([3, 2]);
});
