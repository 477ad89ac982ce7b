// SPDX-License-Identifier: Apache-2.0
import { functionId, nodeId } from '@vnfpool/core';
import { expect, test } from 'vitest';
import { NodeTable } from '../../src/hand-manager/node-table.ts';

type Told = Parameters<NodeTable['take']>[0];
const node = nodeId(10);

function registered(resumed = false): Told {
  return {
    type: 'node-registered',
    node,
    name: 'node 10',
    resumed,
    isAsked: false,
    bootTime: 1n,
    addresses: ['192.0.2.10'],
    information: { load: 1 },
    leaseEndpoint: null,
    statePort: 51000,
  };
}

function status(id: number, gone = false, information: { name?: string; load?: number } = {}): Told {
  return {
    type: 'function-status',
    node,
    functionId: functionId(id),
    status: gone ? 'Unknown' : 'Running',
    gone,
    report: null,
    information,
    reason: '',
  };
}

function tableOf(...told: readonly Told[]): NodeTable {
  const table = new NodeTable();
  for (const output of told) table.take(output);
  return table;
}

test('a node with what it told, and its functions in the order of their numbers', () => {
  const table = tableOf(
    registered(),
    status(102),
    status(101, false, { name: 'HSS' }),
    status(101, false, { load: 2 }),
    { type: 'node-information', node, information: { loadAverage: 3 } },
    { type: 'node-moved', node, addresses: ['192.0.2.11'], statePort: null, leaseEndpoint: null },
  );
  expect(table.find(10)).toMatchObject({
    state: 'registered',
    addresses: ['192.0.2.11'],
    statePort: 51000,
    information: { load: 1, loadAverage: 3 },
    functions: [{ functionId: 101, information: { name: 'HSS', load: 2 } }, { functionId: 102 }],
  });
});

test('what is gone is gone, and so is what a node does not name when it tells all', () => {
  const table = tableOf(registered(), status(101), status(102), status(103), status(101, true), {
    type: 'node-functions',
    node,
    functionIds: [functionId(103)],
  });
  expect(table.find(10)?.functions.map((each) => each.functionId)).toEqual([103]);
});

test('silence, loss and return; a new function table begins empty, a resumed one does not', () => {
  const table = tableOf(registered(), status(101), { type: 'node-suspect', node, reason: 'missed' });
  expect(table.find(10)).toMatchObject({ state: 'suspect', reason: 'missed' });
  table.take({ type: 'node-lost', node, reason: 'silent' });
  expect(table.find(10)).toMatchObject({ state: 'lost', reason: 'silent' });
  table.take(registered(true));
  expect(table.find(10)).toMatchObject({ state: 'registered', functions: [{ functionId: 101 }] });
  table.take(registered(false));
  expect(table.find(10)?.functions).toEqual([]);
  table.take({ type: 'node-left', node, reason: 'de-registered' });
  expect(table.list()).toEqual([]);
});

test('of one node at most 4096 functions are kept', () => {
  const table = tableOf(registered(), ...Array.from({ length: 4100 }, (_each, i) => status(i + 1)));
  expect(table.find(10)?.functions).toHaveLength(4096);
});
