// SPDX-License-Identifier: Apache-2.0
import type { ConntrackEvent, ConntrackListener } from '@vnfpool/platform/conntrack';
import { commitFlows, KernelCopy, type KnownTable } from '@vnfpool/runtime/flow-sharing';
import { type FlowEntry, sharedFlowKey } from '@vnfpool/wire/flow-state';
import { expect, test } from 'vitest';
import { tcp, udp } from './flows.ts';
import { entryOf, Table } from './table.ts';

const filter = { except: [{ network: Uint8Array.of(10, 0, 0, 99), prefix: 32 }] };

/** A copy that is kept in a kernel which tells of what others do. */
function watched(flows: readonly FlowEntry[], { includesOlder = true, left = [] as FlowEntry[] } = {}) {
  const table = new Table(...left);
  table.secondsMin = 600;
  const values = new Map(flows.map(entryOf));
  let listener: ConntrackListener | undefined;
  /** What the kernel has told and nobody has read. */
  const unread: ConntrackEvent[] = [];
  const faults: string[] = [];
  let isWatching = false;
  const copy = new KernelCopy({
    table,
    contents: { get: (key) => values.get(key), entries: () => values.entries() },
    filter: () => filter,
    left: left.map(sharedFlowKey),
    watch: (given) => {
      listener = given;
      isWatching = true;
      return {
        includesOlder,
        flush: () => listener?.events(unread.splice(0)),
        close: () => {
          isWatching = false;
        },
      };
    },
    onRefused: () => undefined,
    onFault: ({ message }) => faults.push(message),
  });
  const tell = (type: ConntrackEvent['type'], entry: FlowEntry): void => {
    if (type === 'destroy') table.flows.delete(sharedFlowKey(entry));
    else table.flows.set(sharedFlowKey(entry), entry);
    unread.push({ type, entry });
  };
  const stopped = async (wanted = filter): Promise<KnownTable | null> => {
    await copy.stop();
    expect(isWatching).toBe(false);
    return copy.known(wanted);
  };
  return { table, copy, values, tell, stopped, faults, overrun: () => listener?.overrun() };
}

const sources = (table: Table): string[] =>
  [...table.flows.values()].map(({ original }) => original.source.join('.')).toSorted();

test('who takes over puts in what is missing, and takes out what others made, without a listing', async () => {
  const { table, copy, values, tell, stopped } = watched([tcp(1), tcp(2), udp(3), tcp(4)]);
  table.flows.set(sharedFlowKey(udp(7)), udp(7));
  await copy.settled();
  tell('destroy', tcp(1));
  tell('update', tcp(2, { mark: 9 }));
  tell('new', udp(8));
  tell('new', udp(9));
  tell('destroy', udp(9));
  // Outside of the filter.
  tell('new', udp(99));
  // Changed by the holder since the last mark.
  values.set(...entryOf(tcp(4, { mark: 5 })));
  const known = await stopped();
  table.secondsMin = 300;
  table.dump = () => {
    throw new Error('the table is listed');
  };
  table.calls.length = 0;
  expect(await commitFlows(table, values, { filter, known })).toMatchObject({
    kept: 1,
    flows: 3,
    refusedTotal: 0,
  });
  expect(table.calls.filter((call) => call.startsWith('remove'))).toEqual(
    ['10.0.0.7', '10.0.0.2', '10.0.0.8'].map((source) => `remove ${source}`),
  );
  expect(sources(table)).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.99']);
  expect([tcp(2), tcp(4)].map((flow) => table.flows.get(sharedFlowKey(flow))?.mark)).toEqual([0, 5]);
});

test('what the kernel threw away and was put in again by a comparing is there', async () => {
  const { copy, values, tell, stopped } = watched([tcp(1), tcp(2)]);
  await copy.settled();
  tell('destroy', tcp(1));
  copy.changed(null);
  await copy.settled();
  tell('destroy', tcp(2));
  const known = await stopped();
  const has = [...values].map(([key, value]) => known?.has(key, value));
  // The first one's end is read behind it: it counts as missing, and is put in once more.
  expect(has).toEqual([false, false]);
});

test('the table is to be listed where something may be unknown', async () => {
  const lost = watched([tcp(1)]);
  await lost.copy.settled();
  lost.overrun();
  expect(await lost.stopped()).toBeNull();

  const again = watched([tcp(1)]);
  await again.copy.settled();
  again.overrun();
  again.copy.changed(null);
  await again.copy.settled();
  expect(await again.stopped()).not.toBeNull();
  // The node has another address by now.
  expect(again.copy.known({ except: [] })).toBeNull();

  const unlisted = watched([tcp(1)]);
  expect(await unlisted.stopped()).toBeNull();

  const silent = watched([tcp(1)], { includesOlder: false, left: [tcp(1)] });
  await silent.copy.settled();
  expect(await silent.stopped()).toBeNull();
  const fresh = watched([tcp(1)], { includesOlder: false });
  await fresh.copy.settled();
  expect(await fresh.stopped()).not.toBeNull();
});

test('one that went in weaker counts as missing', async () => {
  const child = tcp(1, { master: udp(9).original });
  const { copy, values, stopped } = watched([child, tcp(2)]);
  await copy.settled();
  const known = await stopped();
  expect([child, tcp(2)].map(entryOf).map(([key]) => known?.has(key, values.get(key) as Uint8Array))).toEqual(
    [false, true],
  );
});

test('a kernel that cannot be watched is said, and listed', async () => {
  const table = new Table();
  table.secondsMin = 600;
  const faults: string[] = [];
  const values = new Map([entryOf(tcp(1))]);
  const copy = new KernelCopy({
    table,
    contents: { get: (key) => values.get(key), entries: () => values.entries() },
    filter: () => filter,
    watch: () => {
      throw new Error('no more sockets');
    },
    onRefused: () => undefined,
    onFault: ({ message }) => faults.push(message),
  });
  await copy.settled();
  await copy.stop();
  expect([faults, copy.known(filter), table.flows.size]).toEqual([['no more sockets'], null, 1]);
});
