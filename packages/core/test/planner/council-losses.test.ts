// SPDX-License-Identifier: Apache-2.0
import type { DeclaredCouncil, DeclaredSet } from '@vnfpool/core/declared';
import { councilWeakness, councilWeaknesses, diff, explainPool, failoverWords } from '@vnfpool/core/planner';
import { describe, expect, test } from 'vitest';
import { node, pool, set, World } from './world.ts';

const PROMISE = 'a dead node is replaced within 348 ms';

interface Shape {
  readonly nodes: readonly string[];
  readonly witnesses?: readonly string[];
  readonly councils: Readonly<Record<string, readonly string[]>>;
}

function declared({ nodes, witnesses = [], councils }: Shape): DeclaredSet {
  const each = Object.entries(councils).map(([name, members]): DeclaredCouncil => ({ name, members }));
  const made = set(
    nodes,
    each.map(({ name }) => ({ ...pool(`of-${name}`, 1, 1), council: name })),
  );
  return {
    ...made,
    councils: each,
    nodes: nodes.map((name) => ({ name, ...(witnesses.includes(name) ? { witness: true as const } : {}) })),
  };
}

describe('a council that does not survive the loss of one node says so', () => {
  test.each<[string, Shape, readonly RegExp[]]>([
    ['one node: nobody is there to go on', { nodes: ['a'], councils: { main: ['a'] } }, []],
    [
      'a pair: its council is one of them',
      { nodes: ['a', 'b'], councils: { main: ['a'] } },
      [
        /^The council is a alone: when a is gone, no slot is granted .* Declare a third node, .*`witness: true`/,
      ],
    ],
    [
      'two nodes of which one only votes',
      { nodes: ['a', 'w'], witnesses: ['w'], councils: { main: ['w'] } },
      [/^The council is w alone: when w is gone, .* Declare a third node/],
    ],
    [
      'a pair and a witness',
      { nodes: ['a', 'b', 'w'], witnesses: ['w'], councils: { main: ['a', 'b', 'w'] } },
      [],
    ],
    [
      'three nodes, and a council of one all the same',
      { nodes: ['a', 'b', 'c'], councils: { main: ['b'] } },
      [/^The council is b alone: .* Name three nodes in `council`\.$/],
    ],
    ['three', { nodes: ['a', 'b', 'c'], councils: { main: ['a', 'b', 'c'] } }, []],
    ['five', { nodes: ['a', 'b', 'c', 'd', 'e'], councils: { main: ['a', 'b', 'c', 'd', 'e'] } }, []],
    [
      'one of two councils: only its own slots stop',
      { nodes: ['a', 'b', 'c'], councils: { east: ['a', 'b', 'c'], west: ['c'] } },
      [/^Council west is c alone: when c is gone, no slot of of-west is granted .* in `councils\.west`\.$/],
    ],
  ])('%s', (_, shape, expected) => {
    const found = councilWeaknesses(declared(shape));
    expect(found).toHaveLength(expected.length);
    expected.forEach((pattern, at) => {
      expect(found[at]).toMatch(pattern);
    });
  });

  test('one that an operator decided on: the declared one comes back', () => {
    const wanted = declared({ nodes: ['a', 'b', 'c'], councils: { main: ['a', 'b', 'c'] } });
    expect(councilWeakness({ name: 'main', members: ['b'] }, wanted)).toMatch(
      /^The council is b alone: .* The declared one is a, b, c: it survives any one of them/,
    );
  });

  test('the plan of the remedy says what the third node is for', () => {
    const pair = declared({ nodes: ['a', 'b'], councils: { main: ['a'] } });
    const witness = { nodes: ['a', 'b', 'w'], witnesses: ['w'], councils: { main: ['a', 'b', 'w'] } };
    expect(diff(pair, declared(witness)).map(({ subject, detail }) => `${subject}: ${detail}`)).toEqual([
      'node w: votes in the council it is named in, and runs nothing',
      'set edge: council a → a, b, w',
    ]);
  });

  test('of many pools a few are named', () => {
    const one = declared({ nodes: ['a', 'b', 'c'], councils: { east: ['a', 'b', 'c'], west: ['c'] } });
    const pools = Array.from({ length: 9 }, (__, at) => ({ ...pool(`p${at}`, 1, 1), council: 'west' }));
    expect(councilWeaknesses({ ...one, pools })).toEqual([
      expect.stringContaining('no slot of p0, p1, p2, p3, p4 and 4 more is granted'),
    ]);
  });
});

describe('how fast a dead node is replaced is promised as far as the council lives', () => {
  test.each<[string, readonly string[], string]>([
    ['one member', ['a'], `${PROMISE}, as long as a lives, which alone is its council`],
    ['three members', ['a', 'b', 'c'], PROMISE],
  ])('%s', (_, members, expected) => {
    const wanted = declared({ nodes: ['a', 'b', 'c'], councils: { main: members } });
    const [own] = wanted.pools;
    if (!own) throw new Error('there is a pool');
    const words = `normal: lease 300 ms, renewed every 100 ms; ${expected}`;
    expect(failoverWords(own, wanted)).toBe(words);
    expect(diff(null, wanted).map(({ detail }) => detail)).toContainEqual(expect.stringMatching(`${words}$`));
    const made = new World(['a', 'b', 'c'].map((name, at) => node(name, at + 1)));
    made.settle(wanted);
    const { lines = [] } = explainPool(wanted, made.observed, own.name) ?? {};
    expect(lines).toContain(`Failover ${words}.`);
    expect(lines.filter((line) => line.startsWith('The council is'))).toEqual(councilWeaknesses(wanted));
  });
});
