// SPDX-License-Identifier: Apache-2.0
import { commitFlows } from '@vnfpool/runtime/flow-sharing';
import {
  type FlowEntry,
  type FlowExpectation,
  sharedExpectationKey,
  sharedFlowBody,
  sharedFlowKey,
} from '@vnfpool/wire/flow-state';
import { expect, test } from 'vitest';
import { established, expected, tcp, udp } from './flows.ts';
import { entryOf, expectedOf, Table } from './table.ts';

const none = { expected: 0, orphaned: 0, notExpected: 0, notExpectedCode: '' };

test('what is not in the copy goes, what differs is replaced, what is the same stays, the rest comes', async () => {
  const stale = tcp(4, { timeoutSeconds: 20 });
  const table = new Table(tcp(1), tcp(2, { mark: 5 }), tcp(3), stale);
  const copy = [tcp(2), tcp(3), tcp(4), tcp(5)];
  expect(await commitFlows(table, copy.map(entryOf))).toEqual({
    kept: 1,
    removed: 3,
    leftOut: 0,
    flows: 3,
    weakened: 0,
    refusedTotal: 0,
    refused: [],
    ...none,
  });
  expect(table.calls.join(', ')).toBe(
    'remove 10.0.0.1, remove 10.0.0.2, remove 10.0.0.4, insert 10.0.0.2, insert 10.0.0.4, insert 10.0.0.5',
  );
  const bodies = (flows: Iterable<FlowEntry>): string[] => [...flows].map(sharedFlowBody).toSorted();
  expect(bodies(table.flows.values())).toEqual(bodies(copy));
  table.calls.length = 0;
  expect(await commitFlows(table, copy.map(entryOf))).toMatchObject({ kept: 4, removed: 0, flows: 0 });
  expect(table.calls).toEqual([]);
});

test('what the filter leaves out is neither removed nor put in', async () => {
  const table = new Table(tcp(1), udp(2));
  const filter = { protocols: [6], except: [{ network: Uint8Array.of(10, 0, 0, 9), prefix: 32 }] };
  const result = await commitFlows(table, [udp(7), tcp(9), tcp(3)].map(entryOf), { filter });
  expect(result).toMatchObject({ removed: 1, leftOut: 2, flows: 1 });
  expect([...table.flows.values()].map(({ original }) => original.source.join('.'))).toEqual([
    '10.0.0.2',
    '10.0.0.3',
  ]);
});

test('masters come ahead; one whose master or helper is not there goes on without', async () => {
  const table = new Table();
  table.refuses = ({ helper }) => (helper === null ? null : 'EOPNOTSUPP');
  const [child, orphan] = [
    tcp(1, { master: udp(5).original, tcp: established }),
    udp(2, { master: udp(9).original }),
  ];
  const result = await commitFlows(table, [child, orphan, udp(5), udp(6, { helper: 'ftp' })].map(entryOf));
  expect(result).toMatchObject({ flows: 4, weakened: 2, refusedTotal: 0 });
  const left = [...table.flows.values()].map(({ original, master, helper }) => [
    original.source.join('.'),
    master !== null,
    helper,
  ]);
  expect(left).toEqual([
    ['10.0.0.5', false, null],
    ['10.0.0.6', false, null],
    ['10.0.0.1', true, null],
    ['10.0.0.2', false, null],
  ]);
});

test('refusals and entries that are no flows are counted', async () => {
  const table = new Table();
  table.refuses = ({ original }) => (original.source[3] === 1 ? 'ENOMEM' : null);
  const strange = ['\u00ffkind', Uint8Array.of(1)] as const;
  const broken = [sharedFlowKey(tcp(3)), Uint8Array.of(5)] as const;
  const result = await commitFlows(table, [entryOf(tcp(1)), entryOf(tcp(2)), strange, broken]);
  expect(result).toMatchObject({ flows: 1, leftOut: 2, refusedTotal: 1 });
  expect(result.refused.map(({ code, key }) => [code, key.original])).toEqual([['ENOMEM', tcp(1).original]]);
});

test('of thousands, in pieces, and it ends when it is to', async () => {
  const many = Array.from({ length: 9000 }, (_, n) => tcp(n));
  const table = new Table();
  expect(await commitFlows(table, many.map(entryOf))).toMatchObject({ flows: 9000 });
  const stop = new AbortController();
  table.refuses = () => {
    stop.abort(new Error('enough'));
    return null;
  };
  table.flows.clear();
  await expect(commitFlows(table, many.map(entryOf), { signal: stop.signal })).rejects.toThrow('enough');
  expect(table.flows.size).toBeLessThan(9000);
});

test('what is expected comes last; what is the same stays, what is otherwise is replaced, what is not in the copy goes', async () => {
  const master = tcp(1);
  const [same, other, gone, foreign] = [3, 4, 5, 6].map((n) => expected(n, master)) as [
    FlowExpectation,
    FlowExpectation,
    FlowExpectation,
    FlowExpectation,
  ];
  const table = new Table(master);
  const others = { ...foreign, master: tcp(9).original };
  for (const each of [same, { ...other, flags: 1 }, gone, others])
    table.expecting.set(sharedExpectationKey(each), each);
  const copy = [
    ...[{ ...same, timeoutSeconds: 7 }, other, expected(7, tcp(2)), expected(8, tcp(77))].map(expectedOf),
    ...[master, tcp(2)].map(entryOf),
  ];
  const result = await commitFlows(table, copy);
  expect(result).toMatchObject({ kept: 1, flows: 1, leftOut: 0, ...none, expected: 3, orphaned: 1 });
  expect(table.calls).toEqual([
    'insert 10.0.0.2',
    'unexpect 10.0.0.4',
    'unexpect 10.0.0.5',
    'expect 10.0.0.4',
    'expect 10.0.0.7',
  ]);
  expect([...table.expecting.keys()].toSorted()).toEqual(
    [same, other, others, expected(7, tcp(2))].map(sharedExpectationKey).toSorted(),
  );
});

test('an expectation of another zone goes by the zone of its master', async () => {
  const master = tcp(1, { zone: 7 });
  const [stays, goes] = [
    { ...expected(3, master), zone: 7 },
    { ...expected(4, master), zone: 7 },
  ];
  const table = new Table(master);
  for (const each of [stays, goes]) table.expecting.set(sharedExpectationKey(each), each);
  expect(await commitFlows(table, [entryOf(master), expectedOf(stays)])).toMatchObject({ expected: 1 });
  expect([...table.expecting.values()]).toEqual([stays]);
});

test('expectations that the kernel refuses, or does not know of, are counted; outside of the filter they are left out', async () => {
  const [table, copy] = [
    new Table(),
    [entryOf(tcp(1)), ...[3, 4].map((n) => expectedOf(expected(n, tcp(1))))],
  ];
  table.refusesToExpect = 'EMFILE';
  expect(await commitFlows(table, copy)).toMatchObject({ notExpected: 2, notExpectedCode: 'EMFILE' });
  table.refusesToExpect = 'EPERM';
  expect(await commitFlows(table, copy)).toMatchObject({ kept: 1, notExpected: 2, notExpectedCode: 'EPERM' });
  table.refusesToExpect = null;
  const except = [{ network: Uint8Array.of(10, 0, 0, 3), prefix: 32 }];
  const broken = [sharedExpectationKey(expected(5, tcp(1))), Uint8Array.of(1, 0xff)] as const;
  const filter = { except };
  expect(await commitFlows(table, [...copy, broken], { filter })).toMatchObject({ expected: 1, leftOut: 2 });
});
