// SPDX-License-Identifier: Apache-2.0
import type { RunningStatus, TransferReport } from '@vnfpool/wire/mobility';
import { describe, expect, test } from 'vitest';
import { Arbiter, type Judgement } from '../../src/hand-manager/arbiter.ts';
import type { HandFunction, HandNode } from '../../src/hand-manager/node-table.ts';

const SOURCE = 10;
const DESTINATION = 11;

type Told = Pick<TransferReport, 'role' | 'phase'> & Pick<Partial<TransferReport>, 'mode'>;

function fn(status: RunningStatus, told: Told | null): HandFunction {
  const transfer = told && {
    id: 'ab'.repeat(8),
    bytes: 0,
    bytesTotal: null,
    bytesPerSecond: 0,
    changePerSecond: 0,
    expectedPauseMs: null,
    expectedEndMs: null,
    peer: told.role === 'source' ? DESTINATION : SOURCE,
    ...told,
  };
  const report = {
    v: 1 as const,
    pid: 42,
    address: '192.0.2.10',
    port: 80,
    incarnation: '0'.repeat(16),
    healthy: true,
    restarts: 0,
    failing: false,
    reason: '',
    output: [],
    ...(transfer ? { transfer } : {}),
  };
  return { functionId: 101, status, information: {}, report, reason: '' };
}

function node(nodeId: number, functions: readonly HandFunction[], change: Partial<HandNode> = {}): HandNode {
  return {
    nodeId,
    name: `node ${nodeId}`,
    state: 'registered',
    reason: '',
    addresses: [],
    information: {},
    statePort: null,
    isHeard: true,
    functions,
    ...change,
  };
}

const doubt = fn('Running', { role: 'source', mode: 'move', phase: 'doubt' });
const ready = fn('Starting', { role: 'destination', phase: 'ready' });
const short = ({ node: at, order }: Judgement) => `${order} ${at}`;
const judged = (...nodes: readonly HandNode[]) => new Arbiter().judge(nodes).map(short);

describe('a source in doubt', () => {
  test.each([
    ['the destination serves', fn('Running', null), ['delete 10']],
    [
      'it serves, and still tells of the transfer',
      fn('Running', { role: 'destination', phase: 'committed' }),
      ['delete 10'],
    ],
    ['it has given up', fn('Starting', { role: 'destination', phase: 'aborted' }), ['add 10']],
    ['it is between two of its states', fn('Starting', { role: 'destination', phase: 'activating' }), []],
    [
      'it lacks something: it gives up by itself, or is told',
      fn('Starting', { role: 'destination', phase: 'importing' }),
      [],
    ],
  ])('%s', (_, there, orders) => {
    expect(judged(node(SOURCE, [doubt]), node(DESTINATION, [there]))).toEqual(orders);
  });

  test('the destination does not run it any more: it serves on', () => {
    expect(judged(node(SOURCE, [doubt]), node(DESTINATION, []))).toEqual(['add 10']);
  });

  test('silence is not gone: nothing is decided', () => {
    expect(judged(node(SOURCE, [doubt]))).toEqual([]);
    expect(judged(node(SOURCE, [doubt]), node(DESTINATION, [], { state: 'lost' }))).toEqual([]);
    expect(judged(node(SOURCE, [doubt]), node(DESTINATION, [], { isHeard: false }))).toEqual([]);
  });

  test('of single sessions nothing is decided: an order would be of the whole function', () => {
    const some = fn('Running', { role: 'source', mode: 'sessions', phase: 'doubt' });
    expect(judged(node(SOURCE, [some]), node(DESTINATION, []))).toEqual([]);
  });
});

describe('a destination that has everything', () => {
  test('its source is gone for good, or does not know: it serves', () => {
    expect(judged(node(SOURCE, []), node(DESTINATION, [ready]))).toEqual(['add 11']);
    expect(judged(node(SOURCE, [doubt]), node(DESTINATION, [ready]))).toEqual(['add 11']);
  });

  test('its source still sends, or is silent: nothing', () => {
    const sending = fn('Running', { role: 'source', mode: 'move', phase: 'last' });
    expect(judged(node(SOURCE, [sending]), node(DESTINATION, [ready]))).toEqual([]);
    expect(judged(node(DESTINATION, [ready]))).toEqual([]);
  });

  test('a source that does not tell of the transfer has ended it only if it had told of it before', () => {
    const serving = fn('Running', null);
    const arbiter = new Arbiter();
    expect(arbiter.judge([node(SOURCE, [serving]), node(DESTINATION, [ready])])).toEqual([]);
    const sending = fn('Running', { role: 'source', mode: 'move', phase: 'transferring' });
    arbiter.judge([node(SOURCE, [sending])]);
    const told = arbiter.judge([node(SOURCE, [serving]), node(DESTINATION, [ready])]);
    expect(told.map(short)).toEqual(['delete 11']);
  });
});

test('each judgement is told once', () => {
  const arbiter = new Arbiter();
  const nodes = [node(SOURCE, [doubt]), node(DESTINATION, [])];
  expect(arbiter.judge(nodes)).toMatchObject([{ reason: 'node 11 does not run it', verdict: 'aborted' }]);
  expect(arbiter.judge(nodes)).toEqual([]);
});
