// SPDX-License-Identifier: Apache-2.0

import type { DeclaredPool, DeclaredSet } from '@vnfpool/core/declared';
import { type Command, type Decision, plan } from '@vnfpool/core/planner';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { node, pool, set, World } from './world.ts';

const NODES = ['a', 'b', 'c', 'd', 'e'];
const MODELS = {
  '1+1': pool('web', 1, 1),
  '1+1+1': pool('web', 1, 1, 1),
  'N+1': pool('web', 3, 1),
  'N+M': pool('web', 2, 2),
  none: pool('web', 3),
  single: pool('web', 1),
} as const;

function worldOf(declared: DeclaredSet, names: readonly string[] = NODES): World {
  const world = new World(names.map((name, index) => node(name, index + 1)));
  world.settle(declared);
  return world;
}

/** Everything but who is told what its part is. */
function done(actions: readonly (Decision | Command)[]): string[] {
  return actions.flatMap((action) => {
    switch (action.type) {
      case 'assign':
      case 'configure':
        return [];
      case 'place':
        return [`place #${action.number}`];
      case 'create-slot':
        return [`create slot ${action.index}`];
      case 'handover':
        return [`hand over to ${action.to}`];
      default:
        return ['functionId' in action ? `${action.type} ${action.functionId}` : action.type];
    }
  });
}

/** What must stay: who runs, and who holds which slot. */
const kept = (world: World) => ({
  instances: world.instances.map(({ functionId, node: at, version }) => `${functionId} ${at} ${version}`),
  slots: world.slots.map(({ id, index, holder, epoch }) => `${index} ${id} ${holder} ${epoch}`),
});

describe('another model', () => {
  test.each<[from: keyof typeof MODELS, to: keyof typeof MODELS, actions: readonly string[]]>([
    ['1+1', '1+1+1', ['place #3', 'add 4']],
    ['1+1+1', '1+1', ['drop 3', 'delete 3']],
    ['1+1', 'N+1', ['place #3', 'place #4', 'create slot 1', 'create slot 2', 'add 4', 'add 5']],
    // The standby keeps what it shadows; whose slots go, goes.
    ['N+1', '1+1', ['drop 3', 'drop 2', 'delete-slot', 'delete-slot', 'delete 2', 'delete 3']],
    ['N+1', 'N+M', ['delete-slot']],
    ['N+M', 'N+1', ['create slot 2']],
    ['N+1', 'none', ['drop 4', 'delete 4']],
    ['none', 'N+1', ['place #4', 'add 7']],
    ['none', 'single', ['drop 3', 'drop 2', 'delete-slot', 'delete-slot', 'delete 2', 'delete 3']],
    ['single', '1+1', ['place #2', 'add 3']],
    ['1+1', 'single', ['drop 2', 'delete 2']],
  ])('%s → %s: exactly what has to, and nobody else is touched', (from, to, actions) => {
    const world = worldOf(set(NODES, [MODELS[from]]));
    const before = kept(world);
    expect(done(world.settle(set(NODES, [MODELS[to]]))).toSorted()).toEqual(actions.toSorted());
    const after = kept(world);
    const [few, many] =
      before.instances.length < after.instances.length
        ? [before.instances, after.instances]
        : [after.instances, before.instances];
    expect(many).toEqual(expect.arrayContaining(few));
    for (const slot of after.slots.filter((each) => before.slots.some((old) => old[0] === each[0])))
      expect(before.slots).toContain(slot);
  });
});

describe('one value', () => {
  const web: DeclaredPool = { ...MODELS['N+1'], addresses: ['10.0.0.1/24', '10.0.0.2/24', '10.0.0.3/24'] };
  test.each<[what: string, change: Partial<DeclaredPool>, told: readonly string[]]>([
    [
      'the policy: instances are told in the middle of their service',
      { policy: 'least-used' },
      ['add', 'add', 'add', 'add'],
    ],
    ['the lease', { failover: { leaseMs: 500 } }, []],
    ['no addresses any more', { addresses: [] }, []],
    ['another address of one slot', { addresses: ['10.0.0.1/24', '10.0.0.9/24', '10.0.0.3/24'] }, []],
    [
      'how instances are ended',
      { function: { ...web.function, stop: { signal: 'SIGINT', graceMs: 1 } } },
      ['add', 'add', 'add', 'add'],
    ],
    [
      'how instances are replaced',
      { upgrade: { batch: 2, gateMs: 1, deadlineMs: 2, onFailure: 'stop', surplus: false } },
      [],
    ],
  ])('%s', (_, change, told) => {
    const world = worldOf(set(NODES, [web]));
    const before = kept(world);
    const actions = world.settle(set(NODES, [{ ...web, ...change }]));
    expect(
      actions.map(({ type }) => type).filter((type) => type !== 'assign' && type !== 'configure'),
    ).toEqual(told);
    expect(kept(world)).toEqual(before);
    world.settle(set(NODES, [web]));
    expect(kept(world)).toEqual(before);
  });

  test('probes are told to nobody', () => {
    const world = worldOf(set(NODES, [web]));
    const probes = [{ pool: 'web', everyMs: 5, deadlineMs: 250, path: '/' }];
    expect(world.settle({ ...set(NODES, [web]), probes })).toEqual([]);
  });

  test('a node more, and a node less that runs nothing', () => {
    const world = worldOf(set(NODES.slice(0, 4), [web]), NODES);
    const before = kept(world);
    expect(done(world.settle(set(NODES, [web])))).toEqual([]);
    expect(done(world.settle(set(NODES.slice(0, 4), [web])))).toEqual([]);
    expect(kept(world)).toEqual(before);
  });

  test('a node less whose instance holds a slot: the slot passes on first, and then somebody is placed elsewhere', () => {
    const world = worldOf(set(NODES, [pool('web', 1, 1)]));
    const next = {
      ...set(['b', 'c'], [pool('web', 1, 1)]),
      councils: [{ name: 'main', members: ['a', 'b', 'c'] }],
    };
    expect(done(world.settle(next))).toEqual(['hand over to 2', 'drop 1', 'place #1', 'delete 1', 'add 4']);
  });

  test('a node less whose instance holds a slot that nobody else can take: another is placed, and the slot passes on to it', () => {
    const world = worldOf(set(NODES, [pool('web', 1)]));
    const next = {
      ...set(['b', 'c'], [pool('web', 1)]),
      councils: [{ name: 'main', members: ['a', 'b', 'c'] }],
    };
    const steps = done(world.settle(next));
    expect(steps.indexOf('place #2')).toBeLessThan(steps.indexOf('hand over to 3'));
    expect(steps.indexOf('hand over to 3')).toBeLessThan(steps.indexOf('drop 1'));
    expect(world.slots.map(({ holder }) => holder)).toEqual([3]);
    expect(world.instances.map(({ node }) => node)).toEqual(['b']);
  });

  test('nodes less, one of them with the only spare: the slot waits for whoever is placed', () => {
    const world = worldOf(set(['a', 'b', 'c', 'd', 'e'], [pool('web', 2, 1)]));
    const next = {
      ...set(['a', 'd', 'e'], [pool('web', 2)]),
      councils: [{ name: 'main', members: ['a', 'b', 'c'] }],
    };
    world.settle(next);
    expect(world.slots.every(({ holder }) => holder !== null)).toBe(true);
    expect(world.instances.map(({ node }) => node).toSorted()).not.toContain('b');
  });
});

describe('shrinking', () => {
  test('slots that another instance holds than the one that they were made for stay where they are', () => {
    const world = worldOf(set(NODES, [MODELS['N+1']]));
    // #1 and #4 have changed places, and #3 and #1.
    const holders = [4, 2, 1];
    const ids = world.instances.map(({ functionId }) => functionId);
    world.slots = world.slots.map((slot, index) => ({
      ...slot,
      holder: ids[(holders[index] ?? 0) - 1] ?? null,
    }));
    world.settle(set(NODES, [MODELS['N+1']]));
    const before = world.slots.map(({ holder }) => holder);
    world.settle(set(NODES, [MODELS.none]));
    expect(world.slots.map(({ holder }) => holder)).toEqual(before);
    expect(world.instances.map(({ number }) => number)).toEqual([1, 2, 4]);
    // The one slot less is that of the highest index, whoever holds it.
    world.settle(set(NODES, [pool('web', 2)]));
    expect(world.slots.map(({ holder }) => holder)).toEqual(before.slice(0, 2));
    expect(world.instances.map(({ number }) => number)).toEqual([2, 4]);
    world.settle(set(NODES, [pool('web', 4)]));
    expect(world.slots.slice(0, 2).map(({ holder }) => holder)).toEqual(before.slice(0, 2));
    expect(new Set(world.slots.map(({ holder }) => holder)).size).toBe(4);
  });

  test('who does not work goes before who does', () => {
    const world = worldOf(set(NODES, [pool('web', 1, 2)]));
    world.instances = world.instances.map((each) => (each.number === 2 ? { ...each, healthy: false } : each));
    world.settle(set(NODES, [pool('web', 1, 1)]));
    expect(world.instances.map(({ number }) => number)).toEqual([1, 3]);
  });
});

/** Counts that five nodes have room for. */
const counts = fc
  .tuple(fc.integer({ min: 1, max: 4 }), fc.nat(3), fc.nat(2))
  .filter(([slots, standbys, spares]) => slots + standbys + spares <= NODES.length);

test('there and back: nobody is restarted whose place stays, slots stay with their holders, and counts are as before', () => {
  fc.assert(
    fc.property(counts, counts, fc.array(fc.nat(20), { maxLength: 6 }), (first, second, failovers) => {
      const a = set(NODES, [pool('web', ...first)]);
      const b = set(NODES, [pool('web', ...second)]);
      const world = worldOf(a);
      // Some slots have failed over before.
      for (const pick of failovers) {
        const slot = world.slots[pick % world.slots.length];
        const free = world.instances.filter(
          (each) => !world.slots.some(({ holder }) => holder === each.functionId),
        );
        const to = free[pick % Math.max(1, free.length)];
        if (!slot || !to) continue;
        world.slots = world.slots.map((each) =>
          each.id === slot.id ? { ...each, holder: to.functionId, epoch: each.epoch + 1 } : each,
        );
        world.settle(a);
      }
      const ids = new Set(world.instances.map(({ functionId }) => functionId));
      const slots = new Map(world.slots.map(({ id, holder }) => [id, holder]));
      const actions = [...world.settle(b), ...world.settle(a)];
      const dropped = new Set(actions.flatMap((each) => (each.type === 'drop' ? [each.functionId] : [])));
      for (const action of actions) {
        // Whoever stays is never deleted, and nobody is added twice.
        if (action.type === 'delete') expect(dropped).toContain(action.functionId);
        if (action.type === 'add') expect(ids.has(action.functionId)).toBe(false);
        expect(action.type).not.toBe('handover');
      }
      const [fewer] = [Math.min(first[0], second[0])];
      for (const { id, holder, index } of world.slots.filter((each) => each.index < fewer))
        expect([index, holder]).toEqual([index, slots.get(id)]);
      const wanted = first[0] + first[1] + first[2];
      expect(world.instances.length).toBe(wanted);
      expect(dropped.size).toBe(
        Math.max(0, wanted - (second[0] + second[1] + second[2])) +
          Math.max(0, second[0] + second[1] + second[2] - wanted),
      );
      expect(world.slots.every(({ holder }) => holder !== null)).toBe(true);
      expect(plan(a, world.observed, { registrars: [] })).toEqual({ decisions: [], commands: [] });
    }),
    { numRuns: 60 },
  );
});

test('no change of counts leaves a slot that stays without its holder for a moment', () => {
  fc.assert(
    fc.property(counts, counts, (first, second) => {
      const world = worldOf(set(NODES, [pool('web', ...first)]));
      const before = world.slots.filter(({ index }) => index < second[0]);
      const next = set(NODES, [pool('web', ...second)]);
      for (let round = 0; round < 40; round++) {
        const { decisions, commands } = plan(next, world.observed, { registrars: [] });
        if (decisions.length + commands.length === 0) return;
        for (const action of [...decisions, ...commands]) {
          world.carryOut(action);
          for (const { id, holder } of before)
            expect(world.slots.find((each) => each.id === id)?.holder).toBe(holder);
        }
      }
    }),
    { numRuns: 40 },
  );
});
