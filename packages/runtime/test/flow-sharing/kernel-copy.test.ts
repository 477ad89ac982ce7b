// SPDX-License-Identifier: Apache-2.0
import { KernelCopy } from '@vnfpool/runtime/flow-sharing';
import {
  type FlowEntry,
  isSharedExpectationKey,
  sharedExpectationKey,
  sharedFlowKey,
} from '@vnfpool/wire/flow-state';
import { afterEach, expect, test, vi } from 'vitest';
import { established, expected, tcp, udp } from './flows.ts';
import { entryOf, expectedOf, Table } from './table.ts';

afterEach(() => vi.useRealTimers());

function keeping(table: Table, ...flows: FlowEntry[]) {
  table.secondsMin = 600;
  const values = new Map(flows.map(entryOf));
  const contents = { get: (key: string) => values.get(key), entries: () => values.entries() };
  const told: string[] = [];
  const begin = (left: readonly string[] = [], after?: Promise<void>): KernelCopy =>
    new KernelCopy({
      table,
      after,
      contents,
      left,
      filter: () => ({ except: [{ network: Uint8Array.of(10, 0, 0, 99), prefix: 32 }] }),
      onRefused: (count, code) => told.push(`${count} ${code}`),
      onFault: ({ message }) => told.push(message),
    });
  const change = async (
    copy: KernelCopy,
    ...updates: (readonly [string, Uint8Array | null])[]
  ): Promise<void> => {
    for (const [key, value] of updates) {
      if (value === null) values.delete(key);
      else values.set(key, value);
    }
    copy.changed(updates.map(([key]) => key));
    await copy.settled();
  };
  return { begin, change, told, values };
}
const sources = (table: Table): string[] =>
  [...table.flows.values()].map(({ original }) => original.source.join('.')).toSorted();

test('the kernel has the copy, and what the holder changes; what was there before stays', async () => {
  const table = new Table(udp(7), tcp(2, { mark: 9 }));
  const { begin, change, told } = keeping(table, tcp(1), tcp(2), tcp(99));
  const copy = begin();
  await copy.settled();
  // One is outside of the filter.
  expect(sources(table)).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.7']);
  expect(table.flows.get(sharedFlowKey(tcp(2)))?.mark).toBe(0);
  table.calls.length = 0;
  await change(copy, entryOf(tcp(3)), entryOf(tcp(1, { tcp: { ...established, state: 5 } })), [
    sharedFlowKey(tcp(2)),
    null,
  ]);
  expect(table.calls).toEqual(['remove 10.0.0.2', 'insert 10.0.0.3', 'insert 10.0.0.1']);
  expect([...copy.keys].toSorted()).toEqual([tcp(1), tcp(3)].map(sharedFlowKey).toSorted());
  await copy.remove();
  expect([sources(table), told]).toEqual([['10.0.0.7'], []]);
});

test('a copy that begins anew, and one behind a holding: what is in the kernel by this node and in no copy goes', async () => {
  const table = new Table(tcp(1), tcp(2), tcp(3));
  const { begin, values } = keeping(table, tcp(1));
  const copy = begin([tcp(1), tcp(2)].map(sharedFlowKey));
  await copy.settled();
  expect(sources(table)).toEqual(['10.0.0.1', '10.0.0.3']);
  values.clear();
  const next = begin([...copy.keys], copy.stop());
  await next.settled();
  expect(sources(table)).toEqual(['10.0.0.3']);
  await next.stop();
});

test('time is renewed before it runs out, what the kernel has thrown away is put in again', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const fixed = tcp(3, { status: 0x406, timeoutSeconds: 5 });
  const table = new Table();
  const { begin } = keeping(table, tcp(1), udp(2), fixed);
  const copy = begin();
  await copy.settled();
  const left = (flow: FlowEntry, timeoutSeconds: number): unknown =>
    table.flows.set(sharedFlowKey(flow), { ...flow, timeoutSeconds });
  left(udp(2), 419);
  left(fixed, 4);
  table.flows.delete(sharedFlowKey(tcp(1)));
  vi.advanceTimersByTime(60_000);
  await copy.settled();
  const seconds = [tcp(1), udp(2), fixed].map((flow) => table.flows.get(sharedFlowKey(flow))?.timeoutSeconds);
  expect(seconds).toEqual([3600, 600, 4]);
  await copy.stop();
  left(udp(2), 1);
  vi.advanceTimersByTime(60_000);
  await copy.settled();
  expect(table.flows.get(sharedFlowKey(udp(2)))?.timeoutSeconds).toBe(1);
});

test('a full table is said once, and once when it has room again', async () => {
  const table = new Table();
  table.refuses = () => 'ENOMEM';
  const { begin, change, told } = keeping(table, tcp(1), tcp(2));
  const copy = begin();
  await copy.settled();
  await change(copy, entryOf(tcp(3)));
  expect([told, [...copy.keys].length]).toEqual([['2 ENOMEM'], 0]);
  table.refuses = () => null;
  copy.changed(null);
  await copy.settled();
  expect([told, [...copy.keys].length]).toEqual([['2 ENOMEM', '0 '], 3]);
  await copy.stop();
});

test('what is expected comes behind its master, again when that was replaced, and goes when the holder says so', async () => {
  const table = new Table();
  const { begin, change } = keeping(table, tcp(1));
  const copy = begin();
  const [one, other] = [expected(3, tcp(1)), expected(4, tcp(1))];
  await change(copy, expectedOf(one), expectedOf(other));
  expect(table.expecting.size).toBe(2);
  // As a kernel does when it lets go of the master.
  table.onRemove = () => table.expecting.clear();
  table.expecting.clear();
  await change(copy, entryOf(tcp(1, { mark: 3 })));
  expect(table.expecting.size).toBe(2);
  await change(copy, [sharedExpectationKey(one), null]);
  expect([...table.expecting.keys()]).toEqual([sharedExpectationKey(other)]);
  expect([...copy.keys].some(isSharedExpectationKey)).toBe(false);
  await copy.remove();
  expect([table.flows.size, table.expecting.size]).toEqual([0, 0]);
});

test('of thousands, in pieces; it stops in the middle; a failure is told and does not end it', async () => {
  const many = Array.from({ length: 9000 }, (_, n) => tcp(n));
  const table = new Table();
  const { begin, told } = keeping(table, ...many.filter((_, n) => n !== 99));
  const copy = begin();
  await copy.settled();
  expect(table.flows.size).toBe(8999);
  table.refuses = () => {
    throw new Error('closed');
  };
  table.flows.clear();
  copy.changed(null);
  await copy.settled();
  expect(told).toEqual(['closed']);
  let isAsked = false;
  table.refuses = () => {
    if (!isAsked) void copy.stop();
    isAsked = true;
    return null;
  };
  copy.changed(null);
  await copy.settled();
  expect(isAsked).toBe(true);
  expect(table.flows.size).toBeLessThan(9000);
  expect(table.flows.size).toBeGreaterThan(0);
});
