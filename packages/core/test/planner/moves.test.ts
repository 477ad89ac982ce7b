// SPDX-License-Identifier: Apache-2.0
import { type Command, configurationOf, type Decision, explainPool, plan } from '@vnfpool/core/planner';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { node, pool, set, World } from './world.ts';

const NODES = ['a', 'b', 'c', 'd'];
const web = pool('web', 1, 1, 1);
const declared = set(NODES, [web]);

function settled(pools = [web], names = NODES): World {
  const world = new World(names.map((name, index) => node(name, index + 1)));
  world.settle(set(names, pools));
  return world;
}

function drain(world: World, name: string, draining = true): void {
  world.nodes = world.nodes.map((each) => (each.name === name ? { ...each, draining } : each));
}

function lose(world: World, name: string): void {
  world.nodes = world.nodes.map((each) => (each.name === name ? { ...each, state: 'lost' } : each));
}

const told = (actions: readonly (Decision | Command)[]) =>
  actions.filter(({ type }) => type !== 'configure' && type !== 'assign').map(({ type }) => type);
const homes = (world: World) => world.instances.map(({ number, node: at }) => `#${number} ${at}`).sort();

test('nodes know what silences each other, and the hook for those that nothing does', () => {
  const { observed } = settled();
  const fence = { hook: ['off', '--now'], timeoutMs: 5_000 };
  const told = configurationOf({ ...declared, fence }, observed, { registrars: [] });
  expect(told?.nodes.map((peer) => peer.fence)).toEqual(['none', 'none', 'none']);
  expect(told?.fenceHook).toEqual({ command: ['off', '--now'], timeoutMs: 5_000 });
  expect(configurationOf(declared, observed, { registrars: [] })).not.toHaveProperty('fenceHook');
});

describe('a move', () => {
  test('everybody knows the destination as a candidate before anything is sent', () => {
    const world = settled();
    world.carryOut({ type: 'move', functionId: 1, to: 'd', reason: '' });
    const configuration = configurationOf(declared, world.observed, { registrars: [] });
    expect(configuration?.slots[0]?.candidates).toEqual([
      { node: 1, functionId: 1 },
      { node: 4, functionId: 1 },
      { node: 2, functionId: 2 },
      { node: 3, functionId: 3 },
    ]);
    expect(configuration?.nodes.map(({ name }) => name)).toContain('d');
    const first = plan(declared, world.observed, { registrars: [] });
    expect(told(first.commands)).toEqual([]);
    expect(first.commands.filter(({ type }) => type === 'configure')).toHaveLength(4);
    for (const command of first.commands) world.carryOut(command);
    const [prepare] = plan(declared, world.observed, { registrars: [] }).commands;
    expect(prepare).toMatchObject({ type: 'prepare', node: 4, from: 1, functionId: 1 });
  });

  test('then the destination is prepared and the source told to send; nothing else is told to it meanwhile', () => {
    const world = settled();
    world.carryOut({ type: 'move', functionId: 1, to: 'd', reason: '' });
    expect(told(world.settle(declared))).toEqual(['prepare', 'transfer']);
    expect(homes(world)).toEqual(['#1 d', '#2 b', '#3 c']);
    expect(world.slots[0]?.holder).toBe(1);
  });

  test('with a node that is silent nothing goes on', () => {
    const world = settled();
    world.carryOut({ type: 'move', functionId: 1, to: 'd', reason: '' });
    world.nodes = world.nodes.map((each) => (each.name === 'a' ? { ...each, state: 'suspect' } : each));
    expect(told(world.settle(declared))).toEqual([]);
  });

  test('a changed function is not replaced while an instance of its pool is on its way', () => {
    const world = settled();
    const changed = set(NODES, [pool('web', 1, 1, 1, { program: 'newer' })]);
    world.instances = world.instances.map((each) =>
      each.number === 1 ? { ...each, move: { to: 'd', phase: 'ordered', busy: false } } : each,
    );
    expect(told(world.settle(changed))).toEqual([]);
  });
});

describe('draining', () => {
  test('what a node runs goes to a free one, who waits first and who serves last', () => {
    const both = [pool('web', 1, 1), pool('db', 1, 1)];
    const world = settled(both);
    drain(world, 'a');
    const before = world.instances.filter((instance) => instance.node === 'a');
    const done = world.settle(set(NODES, both));
    expect(told(done).filter((type) => type === 'move')).toHaveLength(before.length);
    expect(world.instances.some((instance) => instance.node === 'a')).toBe(false);
    expect(world.instances).toHaveLength(4);
  });

  test('nothing is placed on it, and when that is over nothing comes back by itself', () => {
    const world = settled();
    drain(world, 'd');
    expect(told(world.settle(set(NODES, [web, pool('db', 1, 1, 1)])))).not.toContain('move');
    expect(world.instances.some((instance) => instance.node === 'd')).toBe(false);
    drain(world, 'd', false);
    expect(told(world.settle(set(NODES, [web, pool('db', 1, 1, 1)])))).toEqual([]);
  });

  test('with nowhere to go an instance stays and gives up its slot', () => {
    const names = ['a', 'b', 'c'];
    const world = settled([web], names);
    drain(world, 'a');
    expect(told(world.settle(set(names, [web])))).toEqual(['handover']);
    expect(world.slots[0]?.holder).not.toBe(1);
    expect(homes(world)).toEqual(['#1 a', '#2 b', '#3 c']);
    expect(explainPool(set(names, [web]), world.observed, 'web')?.lines[0]).toMatch(
      /drained, until a node is free/,
    );
  });

  test('what has the state of its node stays, and gives up its slot', () => {
    const state = { via: 'conntrack' as const };
    const gateway = { ...web, function: { ...web.function, state } };
    const world = settled([gateway]);
    drain(world, 'a');
    const before = homes(world);
    expect(told(world.settle(set(NODES, [gateway])))).toEqual(['handover']);
    expect(homes(world)).toEqual(before);
  });

  test('what does not run there any more is made anew elsewhere; of a lost node all of it', () => {
    const world = settled();
    lose(world, 'c');
    expect(told(world.settle(declared))).toEqual([]);
    drain(world, 'c');
    const done = told(world.settle(declared));
    expect(done).toEqual(expect.arrayContaining(['drop', 'place', 'add']));
    expect(homes(world)).toEqual(['#1 a', '#2 b', '#3 d']);
  });

  test('every node drained: everything stays where it is', () => {
    const world = settled();
    for (const name of NODES) drain(world, name);
    expect(told(world.settle(declared))).toEqual([]);
    expect(world.slots[0]?.holder).toBe(1);
  });

  test('whatever is drained and lost in whatever order, it settles: as many instances, one of a pool on a node', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom('drain', 'undrain', 'lose', 'find'), fc.constantFrom(...NODES)), {
          maxLength: 12,
        }),
        fc.array(fc.tuple(fc.integer({ min: 1, max: 2 }), fc.nat(2)), { minLength: 1, maxLength: 3 }),
        (steps, counts) => {
          const pools = counts.map(([slots, standbys], index) => pool(`p${index}`, slots, standbys));
          const world = settled(pools);
          for (const [step, name] of steps) {
            if (step === 'drain' || step === 'undrain') drain(world, name, step === 'drain');
            else
              world.nodes = world.nodes.map((each) =>
                each.name === name ? { ...each, state: step === 'lose' ? 'lost' : 'registered' } : each,
              );
            world.settle(set(NODES, pools));
            for (const { name: of, redundancy } of pools) {
              const mine = world.instances.filter((each) => each.pool === of);
              expect(new Set(mine.map((each) => each.node)).size).toBe(mine.length);
              expect(mine.length).toBeLessThanOrEqual(
                redundancy.slots + redundancy.standbys + redundancy.spares,
              );
            }
          }
          for (const name of NODES) drain(world, name, false);
          world.nodes = world.nodes.map((each) => ({ ...each, state: 'registered' as const }));
          world.settle(set(NODES, pools));
          for (const { name: of, redundancy } of pools)
            expect(world.instances.filter((each) => each.pool === of)).toHaveLength(
              redundancy.slots + redundancy.standbys + redundancy.spares,
            );
        },
      ),
    );
  });
});
