// SPDX-License-Identifier: Apache-2.0
import type { Observed, ObservedInstance, ObservedNode, ObservedSlot } from '@vnfpool/core/planner';
import type { SlotRefusal } from '@vnfpool/wire/mobility';
import { expect, test } from 'vitest';
import { verdictFor, type Waiting } from '../../src/planner/verdicts.ts';
import { node } from './world.ts';

const web1: ObservedInstance = {
  functionId: 1,
  pool: 'web',
  number: 1,
  node: 'a',
  status: 'Running',
  healthy: true,
  failing: false,
  specification: null,
  assignment: null,
  role: 'standby',
  busy: false,
  move: null,
  isHeldBack: false,
  version: null,
  isSteady: true,
};
const slot: ObservedSlot = {
  id: '00000000000000aa',
  pool: 'web',
  index: 0,
  epoch: 7,
  holder: 2,
  genesis: { randomId: '0'.repeat(16), candidates: [] },
  admitted: [
    { node: 1, functionId: 1 },
    { node: 2, functionId: 2 },
  ],
  handover: null,
};
const quiet: Waiting = { lastForMs: 0, heldDownForMs: 0, penalty: 0, failures: 0, startsInPlace: 0 };

function verdict(
  instance: Partial<ObservedInstance>,
  at: Partial<ObservedNode> = {},
  of: Partial<ObservedSlot> = {},
  waiting?: Partial<Waiting>,
  slotsMax = 1,
): readonly [string | null, string] {
  const mine = { ...web1, ...instance };
  const observed: Observed = {
    councils: [],
    nodes: [node('a', 1, at)],
    instances: [mine],
    slots: [
      { ...slot, ...of },
      {
        ...slot,
        id: '00000000000000ab',
        pool: 'calc',
        index: 3,
        holder: instance.number === undefined ? 99 : mine.functionId,
      },
    ],
    strays: [],
    upgrades: [],
  };
  const found = verdictFor(mine, { ...slot, ...of }, slotsMax, observed, waiting && { ...quiet, ...waiting });
  return [found.rule, found.verdict];
}

function refused(rule: SlotRefusal['rule'], why: string, by = 'a'): Partial<ObservedSlot> {
  return { refusals: new Map([[by, { rule, why }]]) };
}

test.each([
  ['nothing', {}, {}, {}, null, 'ready'],
  ['its node is lost', {}, { state: 'lost' }, {}, 'node', 'a is lost'],
  ['its node has left', {}, { state: 'absent' }, {}, 'node', 'a is absent'],
  ['nobody knows its node', { node: 'z' }, {}, {}, 'node', 'z has not joined'],
  ['it does not run', { status: null }, {}, {}, 'runs', 'it does not run yet'],
  ['it fails', { failing: true }, {}, {}, 'runs', 'it ends again and again'],
  ['it moves', { move: { to: 'b', phase: 'begun', busy: false } }, {}, {}, 'runs', 'it moves to b'],
  ['it is ending', { status: 'Terminating' }, {}, {}, 'runs', 'it is terminating'],
  ['it is ill', { healthy: false }, {}, {}, 'healthy', 'its health check fails'],
  ['it is not listed', {}, {}, { admitted: [{ node: 2, functionId: 2 }] }, 'admitted', 'does not list it'],
  [
    'it is listed elsewhere',
    {},
    {},
    { admitted: [{ node: 5, functionId: 1 }] },
    'admitted',
    'does not list it',
  ],
  [
    'its node lacks a link',
    {},
    {},
    refused('link', 'link eth1 has no carrier for 10.0.1.1'),
    'link',
    'link eth1 has no carrier for 10.0.1.1',
  ],
  ['the kernel refuses an address', {}, {}, refused('address', 'EACCES'), 'address', 'EACCES'],
  ['its clock is off', {}, {}, refused('clock', '0.82 % faster'), 'clock', '0.82 % faster'],
  ['another node is not off', {}, {}, refused('fence-hook', 'no power'), 'fence-hook', 'no power'],
  [
    'its link is down, and it is ill',
    { healthy: false },
    {},
    refused('link', 'no carrier'),
    'healthy',
    'health',
  ],
  ['another node lacks a link', {}, {}, refused('link', 'no carrier', 'b'), null, 'ready'],
  ['nobody has told who is listed', {}, {}, { admitted: null }, null, 'ready'],
  ['its node is silent', {}, { state: 'suspect' }, {}, null, 'a is silent to the manager'],
  ['its node is drained', {}, { draining: true }, {}, null, 'which is drained'],
] as const)('%s', (_name, instance, at, of, rule, text) => {
  const found = verdict(instance as Partial<ObservedInstance>, at, of);
  expect(found[0]).toBe(rule);
  expect(found[1]).toContain(text);
});

test('who serves one slot takes no other', () => {
  expect(verdict({ functionId: 1, number: 1 }, {}, {})).toEqual([
    'one-slot',
    'it holds slot 3 of calc; an instance serves one slot at a time',
  ]);
});

test('an instance of a pool that shares its slots takes as many as it may', () => {
  expect(verdict({ functionId: 1, number: 1 }, {}, {}, {}, 2)).toEqual([null, 'ready']);
  expect(verdict({ functionId: 1, number: 1 }, {}, {}, {}, 1)[0]).toBe('one-slot');
});

test('what its failures brought it', () => {
  expect(verdict({}, {}, {}, { heldDownForMs: 4_200 })).toEqual([
    'hold-down',
    'it lost a slot by a failure and does not try for another 5 s (holdDown)',
  ]);
  expect(verdict({}, {}, {}, { lastForMs: 61_000, penalty: 2_800.4, failures: 3 })).toEqual([
    null,
    'ready; behind all others for another 61 s: it failed 3 times (penalty 2800)',
  ]);
});
