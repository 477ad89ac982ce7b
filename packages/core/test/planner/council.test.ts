// SPDX-License-Identifier: Apache-2.0
import type { DeclaredSet } from '@vnfpool/core/declared';
import { explainPool, plan } from '@vnfpool/core/planner';
import { describe, expect, test } from 'vitest';
import { node, pool, set, World } from './world.ts';

const NAMES = ['node-a', 'node-b', 'node-c', 'node-d', 'node-e'];

function declared(council: readonly string[]): DeclaredSet {
  return { ...set(NAMES, [pool('web', 1, 1)]), council };
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
    expect([...(made.council?.members ?? [])].sort()).toEqual([...council].sort());
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
      .map(({ configuration }) => configuration.council);
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
      each.name === 'node-d' && each.council ? { ...each, council: { ...each.council, voiceless: 1 } } : each,
    );
    expect(plan(wanted, made.observed, { registrars: [] }).decisions).toEqual([]);
    expect(explainPool(wanted, made.observed, 'web')?.lines).toContain(
      'The council is node-b, node-c, node-d until node-d has taken over what the former one decided.',
    );
  });

  test('a member that is not declared any more hears by whom it is followed', () => {
    const made = world();
    const without = { ...set(NAMES.slice(1), [pool('web', 1, 1)]), council: ['node-b', 'node-c', 'node-d'] };
    const configured = made
      .settle(without)
      .flatMap((action) => (action.type === 'configure' ? [action.node] : []));
    expect(configured).toContain(1);
    expect(made.council?.members).toEqual(['node-b', 'node-c', 'node-d']);
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
    expect(made.council?.members).toEqual(names);
    expect(made.instances.map(({ node: at }) => at).sort()).toEqual(['node-b', 'node-c']);
    // One that becomes a witness loses what it runs.
    const other = base.nodes.map((each) =>
      each.name === 'node-b' ? { ...each, witness: true as const } : each,
    );
    made.settle({ ...base, nodes: other });
    expect(made.instances.map(({ node: at }) => at).sort()).toEqual(['node-a', 'node-c']);
  });
});
