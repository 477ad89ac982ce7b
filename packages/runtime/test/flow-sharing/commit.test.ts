// SPDX-License-Identifier: Apache-2.0
import { PlatformError } from '@vnfpool/platform';
import { type ConntrackFailure, type InsertOptions, isWanted } from '@vnfpool/platform/conntrack';
import { commitFlows, type FlowCommitTable, type SharedFlowFilter } from '@vnfpool/runtime/flow-sharing';
import {
  type FlowEntry,
  type FlowKey,
  sharedFlowBody,
  sharedFlowKey,
  sharedFlowValue,
} from '@vnfpool/wire/flow-state';
import { expect, test } from 'vitest';
import { established, tcp, udp } from './flows.ts';

const entryOf = (flow: FlowEntry): readonly [string, Uint8Array] => [
  sharedFlowKey(flow),
  sharedFlowValue(sharedFlowBody(flow), flow.timeoutSeconds),
];

class Table implements FlowCommitTable {
  readonly flows = new Map<string, FlowEntry>();
  readonly calls: string[] = [];
  #isListing = false;
  refuses: (entry: FlowEntry) => string | null = () => null;

  constructor(...flows: FlowEntry[]) {
    for (const flow of flows) this.flows.set(sharedFlowKey(flow), flow);
  }

  *dump(filter: SharedFlowFilter): Generator<FlowEntry[]> {
    this.#isListing = true;
    for (const flow of this.flows.values()) if (isWanted(flow, filter)) yield [flow];
    this.#isListing = false;
  }

  insert(entries: readonly FlowEntry[], options: InsertOptions): ConntrackFailure[] {
    expect(this.#isListing).toBe(false);
    expect(options).toEqual({ ifExists: 'replace', timeoutSecondsMin: 300 });
    return entries.flatMap((entry, index) => {
      const { master } = entry;
      const hasMaster =
        master === null ||
        this.flows.has(sharedFlowKey({ original: master, zone: 0, zoneDirection: 'both' }));
      const code = this.refuses(entry) ?? (hasMaster ? null : 'ENOENT');
      this.calls.push(`insert ${entry.original.source.join('.')}`);
      if (code === null) this.flows.set(sharedFlowKey(entry), entry);
      return code === null ? [] : [{ index, error: new PlatformError(code, code, { call: 'test' }) }];
    });
  }

  remove(keys: readonly FlowKey[]): ConntrackFailure[] {
    expect(this.#isListing).toBe(false);
    for (const key of keys) {
      this.calls.push(`remove ${key.original.source.join('.')}`);
      this.flows.delete(sharedFlowKey(key));
    }
    return [];
  }
}

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
