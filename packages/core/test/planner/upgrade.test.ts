// SPDX-License-Identifier: Apache-2.0

import type { DeclaredPool } from '@vnfpool/core/declared';
import {
  type Command,
  type Decision,
  explainPool,
  plan,
  rankingOf,
  type UpgradeRecord,
  versionName,
} from '@vnfpool/core/planner';
import { describe, expect, test } from 'vitest';
import { node, pool, set, World } from './world.ts';

const NODES = ['a', 'b', 'c', 'd'];
const web = pool('web', 1, 1, 1);
const newer = { ...web, function: { ...web.function, arguments: ['new.mjs'] } };

function settled(pools: readonly DeclaredPool[] = [web], names = NODES): World {
  const world = new World(names.map((name, index) => node(name, index + 1)));
  world.settle(set(names, pools));
  return world;
}

const changed = (of: DeclaredPool, word = 'new.mjs'): DeclaredPool => ({
  ...of,
  function: { ...of.function, arguments: [word] },
});

/** What happens to instances and slots, in order. */
function story(actions: readonly (Decision | Command)[]): string[] {
  return actions
    .filter(({ type }) => !['assign', 'configure', 'upgrade-end', 'upgrade-begin'].includes(type))
    .map((action) => {
      switch (action.type) {
        case 'handover':
          return `handover to ${action.to}`;
        case 'place':
          return `place ${action.number}`;
        case 'upgrade-turn':
          return `turn ${action.functionId}`;
        default:
          return 'functionId' in action ? `${action.type} ${action.functionId}` : action.type;
      }
    });
}

/** Plans and carries out for so many rounds, nobody passing a gate. */
function rounds(world: World, declared: ReturnType<typeof set>, count = 20): string[] {
  world.passes = false;
  world.declare(declared);
  const done: (Decision | Command)[] = [];
  for (let round = 0; round < count; round++) {
    const { decisions, commands } = plan(declared, world.observed, { registrars: [] });
    for (const action of [...decisions, ...commands]) {
      world.carryOut(action);
      done.push(action);
    }
  }
  return story(done);
}

function change(world: World, functionId: number, values: Partial<World['instances'][number]>): void {
  world.instances = world.instances.map((each) =>
    each.functionId === functionId ? { ...each, ...values } : each,
  );
}

const versions = (world: World) =>
  Object.fromEntries(world.instances.map(({ functionId, version }) => [functionId, version]));

function back(world: World): void {
  world.upgrades = world.upgrades.map(
    (record): UpgradeRecord => ({ ...record, direction: 'back', state: 'going' }),
  );
}

describe('the order', () => {
  test('spare, standby, then the slot goes to a new one, and the former holder is last', () => {
    const world = settled();
    expect(story(world.settle(set(NODES, [changed(web)])))).toEqual([
      'turn 3',
      'delete 3',
      'add 3',
      'turn 2',
      'delete 2',
      'add 2',
      'handover to 2',
      'turn 1',
      'delete 1',
      'add 1',
    ]);
    expect(world.upgrades).toEqual([]);
    expect(new Set(Object.values(versions(world)))).toEqual(new Set([versionName(newer)]));
  });

  test('nobody is replaced before the one before has passed its gate', () => {
    const world = settled();
    expect(rounds(world, set(NODES, [newer]))).toEqual(['turn 3', 'delete 3', 'add 3']);
    world.prove();
    expect(rounds(world, set(NODES, [newer]))).toEqual(['turn 2', 'delete 2', 'add 2']);
  });

  test('as many at a time as the pool says', () => {
    const many = { ...pool('web', 1, 1, 2), upgrade: { ...RULES, batch: 2 } };
    const world = settled([many]);
    expect(rounds(world, set(NODES, [changed(many)]))).toEqual([
      'turn 4',
      'turn 3',
      'delete 3',
      'delete 4',
      'add 3',
      'add 4',
    ]);
  });

  test('whoever does not work has its turn first: that costs nothing', () => {
    const world = settled();
    change(world, 2, { healthy: false });
    expect(rounds(world, set(NODES, [newer]))[0]).toBe('turn 2');
  });

  test('two slots of two go one after the other', () => {
    const two = pool('web', 2, 1);
    const world = settled([two]);
    world.slots = world.slots.map((slot) => ({ ...slot, holder: slot.index + 1 }));
    expect(
      story(world.settle(set(NODES, [changed(two)]))).filter((each) => !each.startsWith('turn')),
    ).toEqual([
      'delete 3',
      'add 3',
      'handover to 3',
      'delete 2',
      'add 2',
      'handover to 2',
      'delete 1',
      'add 1',
    ]);
  });

  test('pools are upgraded at the same time', () => {
    const db = pool('db', 1, 1);
    const world = settled([web, db]);
    const done = rounds(world, set(NODES, [newer, changed(db)]));
    expect(done.filter((each) => each.startsWith('turn'))).toHaveLength(2);
  });
});

const RULES = { batch: 1, gateMs: 5_000, deadlineMs: 60_000, onFailure: 'rollback', surplus: true } as const;

describe('without standbys', () => {
  const calc = pool('calc', 3);

  test('an instance more takes over slot by slot where a node is free, and no slot is without a holder', () => {
    const world = settled([calc]);
    world.slots = world.slots.map((slot) => ({ ...slot, holder: slot.index + 1 }));
    const done = story(world.settle(set(NODES, [changed(calc)])));
    expect(done.filter((each) => !each.startsWith('turn'))).toEqual([
      'place 4',
      'add 7',
      'handover to 7',
      'delete 3',
      'add 3',
      'handover to 3',
      'delete 2',
      'add 2',
      'handover to 2',
      'drop 1',
      'give-slot 2',
      'give-slot 3',
      'give-slot 7',
      'delete 1',
    ]);
    expect(world.instances.map(({ functionId }) => functionId)).toEqual([2, 3, 7]);
    expect(world.slots.map(({ holder }) => holder)).toEqual([2, 3, 7]);
    expect(plan(set(NODES, [changed(calc)]), world.observed, { registrars: [] })).toEqual({
      decisions: [],
      commands: [],
    });
  });

  test.each([
    ['no node is free', NODES.slice(0, 3), calc],
    ['the pool says so', NODES, { ...calc, upgrade: { ...RULES, surplus: false } }],
  ])('else in place: %s', (_, names, of) => {
    const world = settled([of], [...names]);
    expect(story(world.settle(set(names, [changed(of)])))).toEqual([
      'turn 3',
      'delete 3',
      'add 3',
      'turn 2',
      'delete 2',
      'add 2',
      'turn 1',
      'delete 1',
      'add 1',
    ]);
  });
});

describe('a bad version', () => {
  test('when it is rolled back, only who was replaced is touched, and the pool stays there', () => {
    const world = settled();
    rounds(world, set(NODES, [newer]));
    change(world, 3, { failing: true, healthy: false });
    back(world);
    expect(rounds(world, set(NODES, [newer]))).toEqual(['turn 3', 'delete 3', 'add 3']);
    world.prove();
    expect(rounds(world, set(NODES, [newer]))).toEqual([]);
    expect(new Set(Object.values(versions(world)))).toEqual(new Set([versionName(web)]));
    expect(world.upgrades).toMatchObject([{ state: 'done', from: versionName(web), to: versionName(newer) }]);
    // Whoever is added anew gets what the pool runs, not what is declared.
    change(world, 2, { status: null, version: null, specification: null, assignment: null, role: null });
    expect(rounds(world, set(NODES, [newer]))).toEqual(['add 2']);
    expect(versions(world)[2]).toBe(versionName(web));
  });

  test('from the middle the slot goes back before its holder', () => {
    const world = settled();
    world.declare(set(NODES, [newer]));
    for (let round = 0; round < 40 && world.slots[0]?.holder === 1; round++) {
      const { decisions, commands } = plan(set(NODES, [newer]), world.observed, { registrars: [] });
      for (const action of [...decisions, ...commands]) world.carryOut(action);
      world.prove();
    }
    expect(world.slots[0]?.holder).toBe(2);
    back(world);
    const done = story(world.settle(set(NODES, [newer])));
    expect(done.filter((each) => !each.startsWith('turn'))).toEqual([
      'delete 3',
      'add 3',
      'handover to 1',
      'delete 2',
      'add 2',
    ]);
  });

  test('an instance more that failed goes, and nobody else is touched', () => {
    const calc = pool('calc', 3);
    const world = settled([calc]);
    world.slots = world.slots.map((slot) => ({ ...slot, holder: slot.index + 1 }));
    rounds(world, set(NODES, [changed(calc)]));
    back(world);
    expect(rounds(world, set(NODES, [changed(calc)]))).toEqual(['drop 7', 'delete 7']);
    expect(world.upgrades).toMatchObject([{ state: 'done' }]);
  });

  test('the former declaration ends the record; a third one goes on from what runs', () => {
    const world = settled();
    rounds(world, set(NODES, [newer]));
    world.prove();
    const third = changed(web, 'third.mjs');
    world.passes = true;
    const done = story(world.settle(set(NODES, [third])));
    expect(done.filter((each) => each.startsWith('delete'))).toEqual(['delete 3', 'delete 2', 'delete 1']);
    expect(world.upgrades).toEqual([]);
    rounds(world, set(NODES, [newer]));
    back(world);
    world.passes = true;
    world.settle(set(NODES, [newer]));
    expect(world.upgrades).toMatchObject([{ state: 'done' }]);
    expect(story(world.settle(set(NODES, [third])))).toEqual([]);
    expect(world.upgrades).toEqual([]);
  });
});

describe('an upgrade waits', () => {
  const waiting = (prepare: (world: World) => void, of = newer): readonly string[] => {
    const world = settled();
    world.passes = false;
    world.declare(set(NODES, [of]));
    prepare(world);
    const lines = explainPool(set(NODES, [of]), world.observed, 'web')?.lines ?? [];
    return lines.filter((line) => line.startsWith('Upgrade, next')).slice(-1);
  };

  test.each<[string, (world: World) => void]>([
    [
      'waits: b has not told what it runs',
      (world) => {
        world.nodes = world.nodes.map((each) => (each.name === 'b' ? { ...each, state: 'suspect' } : each));
      },
    ],
    [
      'waits: web#2 moves to d',
      (world) => change(world, 2, { move: { to: 'd', phase: 'begun', busy: false } }),
    ],
    [
      'waits: slot 0 is being handed over',
      (world) => {
        world.slots = world.slots.map((slot) => ({ ...slot, handover: { to: 2, nonce: '1' } }));
      },
    ],
    [
      'waits for a word: resume, or rollback',
      (world) => {
        world.upgrades = world.upgrades.map((record) => ({ ...record, state: 'paused' }));
      },
    ],
    ['it is the turn of web#3', () => {}],
  ])('%s', (words, prepare) => {
    expect(waiting(prepare)).toEqual([`Upgrade, next: ${words}.`]);
  });

  test('for a standby of the new version, rather than interrupt the slot', () => {
    const world = settled([pool('web', 1, 1)]);
    const next = set(NODES, [changed(pool('web', 1, 1))]);
    world.nodes = world.nodes.map((each) => (each.name === 'b' ? { ...each, state: 'lost' } : each));
    expect(rounds(world, next)).toEqual([]);
    const lines = explainPool(next, world.observed, 'web')?.lines ?? [];
    expect(lines.filter((line) => line.startsWith('Upgrade')).at(-1)).toContain(
      'nobody who runs the new version',
    );
  });
});

test('an instance that took the slot after its turn came gives it up before it is replaced', () => {
  const world = settled();
  world.declare(set(NODES, [newer]));
  const turn = plan(set(NODES, [newer]), world.observed, { registrars: [] }).decisions[0] as Decision;
  world.carryOut(turn);
  world.slots = world.slots.map((slot) => ({ ...slot, holder: 3 }));
  world.passes = false;
  const { commands } = plan(set(NODES, [newer]), world.observed, { registrars: [] });
  expect(story(commands)).toEqual(['handover to 1']);
});

test('what nodes run and nobody has a record of is replaced one after the other, and there is no way back', () => {
  const world = settled();
  world.instances = world.instances.map((each) => ({ ...each, version: 'of-an-earlier-release' }));
  const done = story(world.settle(set(NODES, [web])));
  expect(done.filter((each) => each.startsWith('delete'))).toEqual(['delete 3', 'delete 2', 'delete 1']);
});

test('while an instance has to prove itself, another one that is ready would take the slot before it', () => {
  const world = settled();
  rounds(world, set(NODES, [newer]));
  world.prove();
  rounds(world, set(NODES, [newer]));
  // #2 is at the gate, #3 has passed it.
  expect(rankingOf(newer, 0, world.observed)).toEqual([1, 3, 2]);
  world.prove();
  expect(rankingOf(newer, 0, world.observed).slice(0, 1)).toEqual([1]);
});

test('where only an instance on a drained node could take the slot it does, and is not stuck there', () => {
  const calc = pool('calc', 3);
  const world = settled([calc]);
  world.slots = world.slots.map((slot) => ({ ...slot, holder: slot.index + 1 }));
  const next = set(NODES, [changed(calc)]);
  world.declare(next);
  for (let round = 0; round < 80; round++) {
    const { decisions, commands } = plan(next, world.observed, { registrars: [] });
    if (decisions.length + commands.length === 0) break;
    for (const action of [...decisions, ...commands]) world.carryOut(action);
    world.prove();
    // The last but one has just been replaced, and its node is drained.
    if (world.instances.find(({ functionId }) => functionId === 2)?.version === versionName(changed(calc)))
      world.nodes = world.nodes.map((each) => ({ ...each, draining: each.name === 'b' }));
  }
  expect(world.upgrades).toEqual([]);
  expect(world.instances.map(({ node: at }) => at)).not.toContain('b');
  expect(world.slots.every(({ holder }) => holder !== null)).toBe(true);
});
