// SPDX-License-Identifier: Apache-2.0

import { functionId, nodeId } from '@vnfpool/core';
import type { HandEvent, HandNode, HandOrder, HandResult } from '@vnfpool/daemons/hand-manager';
import { beforeEach, describe, expect, test } from 'vitest';
import { processIo } from '../../src/io.ts';
import { HandSession } from '../../src/mobility/hand-session.ts';

/* What commands make of orders, and of their results. The manager is a list of orders here. */

const done: HandResult = { code: 0, text: '', error: null, status: 'Running', report: null };
const refused: HandResult = { ...done, code: 130, error: 3, text: 'no such token', status: null };
const SPECIFICATION = { v: 1, kind: 'process', command: ['/bin/hss'] } as const;

let orders: HandOrder[];
let results: HandResult[];
let printed: string;
let complained: string;
let session: HandSession;
const ending = new AbortController();

function nodeAt(id: number, more: Partial<HandNode> = {}): HandNode {
  return {
    nodeId: id,
    name: `node ${id}`,
    state: 'registered',
    reason: '',
    addresses: [`192.0.2.${id}`],
    statePort: 51_000,
    isHeard: true,
    information: {},
    functions: [],
    ...more,
  };
}

beforeEach(() => {
  orders = [];
  results = [];
  printed = '';
  complained = '';
  const nodes = [nodeAt(10), nodeAt(11)];
  session = new HandSession({
    io: {
      ...processIo(),
      err: (text) => {
        complained += text;
      },
      readText: () => Promise.resolve('command: [/bin/hss]'),
    },
    json: false,
    timeoutMs: 1_000,
    signal: ending.signal,
    print: (text) => {
      printed += text;
    },
  });
  session.use({
    nodes: () => nodes,
    node: (id) => nodes.find(({ nodeId: own }) => own === id),
    order: (order) => {
      orders.push(order);
      return Promise.resolve(results.shift() ?? done);
    },
  });
});

/** Tokens are drawn; what matters is that there is one. */
const TOKEN = expect.any(Uint8Array) as Uint8Array;

describe('move', () => {
  test('the destination is prepared with what the function was started with, and the source gets the same token', async () => {
    await session.take('add 10 101 --name HSS --spec hss.yaml', 'line 1');
    expect(await session.take('move 10 101 --to 11', 'line 2')).toBe(true);
    expect(orders.slice(1)).toEqual([
      {
        type: 'add',
        node: 11,
        functionId: 101,
        name: 'HSS',
        specification: SPECIFICATION,
        prepare: { token: TOKEN, from: 10 },
      },
      {
        type: 'move',
        node: 10,
        functionId: 101,
        token: TOKEN,
        destination: { node: 11, addresses: ['192.0.2.11'], port: 51_000 },
      },
    ]);
    const [, prepare, move] = orders as [
      HandOrder,
      HandOrder & { type: 'add' },
      HandOrder & { type: 'move' },
    ];
    expect(prepare.prepare?.token).toEqual(move.token);
    expect(move.token).toHaveLength(16);
  });

  test('it can go on from there', async () => {
    await session.take('add 10 101 --name HSS', '');
    await session.take('move 10 101 --to 11', '');
    expect(await session.take('move 11 101 --to 10', '')).toBe(true);
    expect(orders.at(-1)).toMatchObject({ type: 'move', node: 11, destination: { node: 10 } });
  });

  test('what the source refuses is deleted again at the destination', async () => {
    await session.take('add 10 101 --name HSS', '');
    results = [done, refused];
    expect(await session.take('move 10 101 --to 11', 'line 2')).toBe(false);
    expect(orders.at(-1)).toEqual({ type: 'delete', node: 11, functionId: 101 });
    expect(complained).toBe('line 2: administratively prohibited (code 130, error 3): no such token\n');
  });

  test('what the destination refuses is never told to the source', async () => {
    await session.take('add 10 101 --name HSS', '');
    results = [refused];
    expect(await session.take('move 10 101 --to 11', 'line 2')).toBe(false);
    expect(orders.map(({ type }) => type)).toEqual(['add', 'add']);
    expect(complained).toContain('line 2: node 11: administratively prohibited');
  });

  test('what somebody else started, or is gone, has to be said again', async () => {
    expect(await session.take('move 10 101 --to 11', 'line 1')).toBe(false);
    expect(complained).toContain('was not started here: say --name or --spec');
    await session.take('add 10 102 --name HSS', '');
    session.tell(statusOf(102, true));
    expect(await session.take('move 10 102 --to 11', 'line 3')).toBe(false);
    expect(await session.take('move 10 101 --to 11 --name HSS', 'line 4')).toBe(true);
  });

  test('a plain order has neither preparation nor token, and goes where it is said', async () => {
    await session.take('move 10 101 --to 11 --plain --at 198.51.100.1:7', '');
    expect(orders).toEqual([
      {
        type: 'move',
        node: 10,
        functionId: 101,
        token: null,
        destination: { node: 11, addresses: ['198.51.100.1'], port: 7 },
      },
    ]);
  });
});

test('copy prepares the number of the copy', async () => {
  await session.take('copy 10 101 --to 11 --as 102 --name HSS', '');
  expect(orders).toMatchObject([
    { type: 'add', node: 11, functionId: 102 },
    { type: 'copy', node: 10, functionId: 101, copyId: 102 },
  ]);
});

describe('move-session', () => {
  const moved = (sessions: bigint) => ({ ...done, sessions });

  test('the function at the destination is prepared as it runs, and the source gets the same token', async () => {
    results = [done, moved(300n)];
    expect(await session.take('move-session 10 101 --to 11 --ratio 0.3', '')).toBe(true);
    expect(orders).toEqual([
      { type: 'add', node: 11, functionId: 101, prepare: { token: TOKEN, from: 10 } },
      {
        type: 'move-session',
        node: 10,
        functionId: 101,
        sessions: [{ type: 'ratio', ratio: 0.3 }],
        token: TOKEN,
        destination: { node: 11, addresses: ['192.0.2.11'], port: 51_000 },
      },
    ]);
    expect(printed).toContain('300 sessions');
  });

  test('another function there is named to both', async () => {
    results = [done, moved(1n)];
    await session.take('move-session 10 101 --to 11 --as 202 --all', '');
    expect(orders).toMatchObject([{ functionId: 202 }, { functionId: 101, targetFunctionId: 202 }]);
  });

  test.each([
    ['refused', () => refused, false],
    ['nothing to move', () => moved(0n), true],
  ])('%s: the function there is told that nobody comes, and goes on', async (_name, answer, isDone) => {
    results = [done, answer()];
    expect(await session.take('move-session 10 101 --to 11 --count 5', '')).toBe(isDone);
    expect(orders.at(-1)).toEqual({ type: 'delete', node: 11, functionId: 101, cancels: TOKEN });
  });

  test('a function is named, unless the destination is prepared', async () => {
    expect(await session.take('move-session 10 --to 11 --all', 'line 1')).toBe(false);
    expect(complained).toContain('line 1: move-session: say FUNCTION');
    const token = '00'.repeat(16);
    await session.take(`move-session 10 --to 11 --ratio 0.3 --token ${token}`, '');
    await session.take('move-session 10 --to 11 --ratio 0.3 --plain', '');
    const sessions = [{ type: 'ratio', ratio: 0.3 }];
    expect(orders).toMatchObject([
      { type: 'move-session', functionId: null, token: new Uint8Array(16), sessions },
      { type: 'move-session', functionId: null, token: null, sessions },
    ]);
  });
});

test('a destination prepared by hand: the token is printed, and taken', async () => {
  await session.take('add 11 101 --name HSS --from 10', '');
  const [, token = ''] = /^token ([0-9a-f]{32}), for 30 s$/m.exec(printed) ?? [];
  await session.take(`move 10 101 --to 11 --token ${token}`, '');
  const [add, move] = orders as [HandOrder & { type: 'add' }, HandOrder & { type: 'move' }];
  expect(move.token).toEqual(add.prepare?.token);
  expect(orders).toHaveLength(2);
});

test('news of a function are told once, also when its load changes', () => {
  for (const load of [1, 2, 3]) session.tell(statusOf(101, false, load));
  session.tell(statusOf(101, true));
  session.tell(statusOf(101, false, 1));
  expect(printed.split('\n')).toEqual([
    'node 10 function 101 Running',
    'node 10 function 101 gone',
    'node 10 function 101 Running',
    '',
  ]);
});

test('what a peer says cannot steer the terminal', () => {
  session.tell({ type: 'node-lost', node: nodeId(10), reason: '\u001b[2Jgone\nreally\u0007' });
  expect(printed).toBe('node 10 is lost: gone really\n');
});

function statusOf(id: number, gone: boolean, load?: number): HandEvent {
  return {
    type: 'function-status',
    node: nodeId(10),
    functionId: functionId(id),
    status: gone ? 'Unknown' : 'Running',
    gone,
    report: null,
    information: load === undefined ? {} : { load },
    reason: '',
  };
}
