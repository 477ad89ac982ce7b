// SPDX-License-Identifier: Apache-2.0
import { type DeclaredSet, ONLY_COUNCIL } from '@vnfpool/core/declared';
import { configurationOf, explainPool, plan } from '@vnfpool/core/planner';
import { describe, expect, test } from 'vitest';
import { node, pool, set, World } from './world.ts';

const NAMES = ['node-a', 'node-b', 'node-c', 'node-d', 'node-e'];

function declared(members: readonly string[]): DeclaredSet {
  return { ...set(NAMES, [pool('web', 1, 1)]), councils: [{ name: ONLY_COUNCIL, members }] };
}

function world(): World {
  const made = new World(NAMES.map((name, index) => node(name, index + 1)));
  made.settle(declared(['node-a', 'node-b', 'node-c']));
  return made;
}

/** Only what has to do with the council. */
function steps(made: World, wanted: DeclaredSet): string[] {
  return made
    .settle(wanted)
    .flatMap((action) =>
      action.type === 'announce-council'
        ? [`announce ${action.members.join(' ')}`]
        : action.type === 'enforce-council'
          ? ['enforce']
          : action.type === 'configure' || action.type === 'assign'
            ? []
            : [action.type],
    );
}

function away(made: World, name: string): void {
  made.nodes = made.nodes.map((each) => (each.name === name ? { ...each, state: 'lost' } : each));
}

describe('the council becomes the declared one', () => {
  test.each([
    ['one member is another', ['node-a', 'node-b', 'node-d'], ['announce node-a node-b node-d', 'enforce']],
    ['two more', NAMES, ['announce node-a node-b node-c node-d node-e', 'enforce']],
    ['only one is left', ['node-b'], ['announce node-b', 'enforce']],
    [
      'all are others: one at a time',
      ['node-c', 'node-d', 'node-e'],
      ['announce node-b node-c node-d', 'enforce', 'announce node-c node-d node-e', 'enforce'],
    ],
    ['another order is nothing new', ['node-c', 'node-a', 'node-b'], []],
  ])('%s', (_, council, expected) => {
    const made = world();
    const before = made.instances;
    expect(steps(made, declared(council))).toEqual(expected);
    expect([...(made.councils[0]?.members ?? [])].sort()).toEqual([...council].sort());
    // No instance was touched for it.
    expect(made.instances.map(({ functionId, node: at }) => [functionId, at])).toEqual(
      before.map(({ functionId, node: at }) => [functionId, at]),
    );
  });

  test('nodes hear of it before it is in force; then of the one before it', () => {
    const made = world();
    const wanted = declared(['node-a', 'node-b', 'node-d']);
    const configured = made.settle(wanted).flatMap((action) => (action.type === 'configure' ? [action] : []));
    const councils = configured
      .filter(({ node: id }) => id === 4)
      .map(({ configuration }) => configuration.councils[0]);
    expect(councils).toMatchObject([
      { version: { number: 1 }, members: [1, 2, 3], next: { version: { number: 2 }, members: [1, 2, 4] } },
      { version: { number: 2 }, members: [1, 2, 4], former: { version: { number: 1 }, members: [1, 2, 3] } },
    ]);
  });

  test('who is lost is replaced first, and does not hold the others up', () => {
    const made = world();
    away(made, 'node-b');
    expect(steps(made, declared(['node-c', 'node-d', 'node-e']))[0]).toBe('announce node-a node-c node-d');
  });

  test('waits for a new member that cannot be reached, and says so', () => {
    const made = world();
    away(made, 'node-d');
    const wanted = declared(['node-a', 'node-b', 'node-d']);
    expect(steps(made, wanted)).toEqual([]);
    expect(explainPool(wanted, made.observed, 'web')?.lines).toContain(
      'The council is node-a, node-b, node-c until a majority of both can be reached with it.',
    );
  });

  test('one that is announced waits for every node that can be reached to have stored it', () => {
    const made = world();
    const wanted = declared(['node-a', 'node-b', 'node-d']);
    const [announced] = plan(wanted, made.observed, { registrars: [] }).decisions;
    if (announced) made.carryOut(announced);
    const told = plan(wanted, made.observed, { registrars: [] }).commands.filter(
      ({ type }) => type === 'configure',
    );
    for (const command of told.slice(1)) made.carryOut(command);
    expect(plan(wanted, made.observed, { registrars: [] }).decisions).toEqual([]);
    expect(explainPool(wanted, made.observed, 'web')?.lines).toContain(
      'Council node-a, node-b, node-d is announced and waits: node-a has not stored it.',
    );
    // It cannot be reached any more: the others go on without it.
    away(made, 'node-a');
    expect(plan(wanted, made.observed, { registrars: [] }).decisions).toMatchObject([
      { type: 'enforce-council' },
    ]);
  });

  test('the next step waits until all that can be reached vote for every slot', () => {
    const made = world();
    const wanted = declared(['node-c', 'node-d', 'node-e']);
    made.settle(declared(['node-b', 'node-c', 'node-d']));
    made.nodes = made.nodes.map((each) =>
      each.name === 'node-d'
        ? { ...each, councils: each.councils.map((word) => ({ ...word, voiceless: 1 })) }
        : each,
    );
    expect(plan(wanted, made.observed, { registrars: [] }).decisions).toEqual([]);
    expect(explainPool(wanted, made.observed, 'web')?.lines).toContain(
      'The council is node-b, node-c, node-d until node-d has taken over what the former one decided.',
    );
  });

  test('a member that is not declared any more hears by whom it is followed', () => {
    const made = world();
    const without = {
      ...set(NAMES.slice(1), [pool('web', 1, 1)]),
      councils: [{ name: ONLY_COUNCIL, members: ['node-b', 'node-c', 'node-d'] }],
    };
    const configured = made
      .settle(without)
      .flatMap((action) => (action.type === 'configure' ? [action.node] : []));
    expect(configured).toContain(1);
    expect(made.councils[0]?.members).toEqual(['node-b', 'node-c', 'node-d']);
  });
});

describe('a witness', () => {
  test('votes, and runs nothing', () => {
    const names = NAMES.slice(0, 3);
    const base = set(names, [pool('web', 1, 1)]);
    const made = new World(names.map((name, index) => node(name, index + 1)));
    const nodes = base.nodes.map((each) =>
      each.name === 'node-a' ? { ...each, witness: true as const } : each,
    );
    made.settle({ ...base, nodes });
    expect(made.councils[0]?.members).toEqual(names);
    expect(made.instances.map(({ node: at }) => at).sort()).toEqual(['node-b', 'node-c']);
    // One that becomes a witness loses what it runs.
    const other = base.nodes.map((each) =>
      each.name === 'node-b' ? { ...each, witness: true as const } : each,
    );
    made.settle({ ...base, nodes: other });
    expect(made.instances.map(({ node: at }) => at).sort()).toEqual(['node-a', 'node-c']);
  });
});

describe('several councils', () => {
  const EAST = ['node-a', 'node-b', 'node-c'];
  const WEST = ['node-c', 'node-d', 'node-e'];

  function two(west: readonly string[] = WEST): DeclaredSet {
    const pools = [
      { ...pool('web', 1, 1), council: 'east' },
      { ...pool('calc', 1, 1), council: 'west' },
    ];
    const councils = [
      { name: 'east', members: EAST },
      { name: 'west', members: west },
    ];
    return { ...set(NAMES, pools), councils };
  }

  function settled(): World {
    const made = new World(NAMES.map((name, index) => node(name, index + 1)));
    made.settle(two());
    return made;
  }

  const configuration = (made: World, wanted: DeclaredSet) =>
    configurationOf(wanted, made.observed, { registrars: [] });

  test('are numbered, and each slot says whose it is; of the first that goes without saying', () => {
    const made = settled();
    expect(made.councils.map(({ id, name, members }) => [id, name, members])).toEqual([
      [1, 'east', EAST],
      [2, 'west', WEST],
    ]);
    const told = configuration(made, two());
    expect(told?.councils.map(({ id, members }) => [id, members])).toEqual([
      [1, [1, 2, 3]],
      [2, [3, 4, 5]],
    ]);
    expect(told?.slots.map((each) => [each.pool, each.councilId])).toEqual([
      ['web', undefined],
      ['calc', 2],
    ]);
  });

  test('one changes while the other is what it was', () => {
    const made = settled();
    const before = made.councils[0];
    expect(steps(made, two(['node-b', 'node-d', 'node-e']))).toEqual([
      'announce node-d node-e node-b',
      'enforce',
    ]);
    expect(made.councils[0]).toEqual(before);
    expect(made.councils[1]?.version.number).toBe(2);
  });

  test('what one waits for is said of its own pools only', () => {
    const made = settled();
    made.nodes = made.nodes.map((each) => ({
      ...each,
      councils: each.councils.map((word) => ({ ...word, voiceless: each.name === 'node-d' ? 1 : 0 })),
    }));
    const wanted = two(['node-b', 'node-d', 'node-e']);
    const why =
      'The council is node-c, node-d, node-e until node-d has taken over what the former one decided.';
    expect(explainPool(wanted, made.observed, 'calc')?.lines).toContain(why);
    expect(explainPool(wanted, made.observed, 'web')?.lines).not.toContain(why);
  });

  test('one whose last pool is gone goes with it, and its number is not given again', () => {
    const made = settled();
    const one: DeclaredSet = {
      ...two(),
      councils: two().councils.slice(0, 1),
      pools: two().pools.slice(0, 1),
    };
    const done = made.settle(one).map(({ type }) => type);
    expect(done.indexOf('delete-slot')).toBeLessThan(done.indexOf('dissolve-council'));
    expect(made.councils.map(({ name }) => name)).toEqual(['east']);
    expect(configuration(made, one)?.councils.map(({ id }) => id)).toEqual([1]);
    made.settle(two());
    expect(made.councils.map(({ id, name }) => [id, name])).toEqual([
      [1, 'east'],
      [3, 'west'],
    ]);
  });
});
