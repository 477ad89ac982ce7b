// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import type { KeyUpdate } from '@vnfpool/core/replication';
import {
  Conntrack,
  type ConntrackEntry,
  readConntrackSetting,
  writeConntrackSetting,
} from '@vnfpool/platform/conntrack';
import { createNamespace, inNamespace, type NetworkNamespace } from '@vnfpool/platform/namespaces';
import { sharedFlowBody, sharedFlowKey } from '@vnfpool/wire/flow-state';
import { describe, expect, onTestFinished, test } from 'vitest';
import { masqueraded, plainUdp, various } from '../../../../platform/test/conntrack/entries.ts';
import { until } from '../../../../platform/test/support/lab.ts';
import {
  ConntrackSource,
  type ConntrackSourceOptions,
} from '../../../src/node/slot-state/conntrack-source.ts';

/* Connections that a real kernel tracks in one namespace, shared, and put into the kernel of another. */

const missing = whyNoConntrack();
const { signal } = new AbortController();

function whyNoConntrack(): string {
  try {
    const namespace = createNamespace();
    try {
      inNamespace(namespace.fd, () => new Conntrack().close());
      return spawnSync('ip', ['-V']).error === undefined ? '' : 'ip is not installed';
    } finally {
      namespace.close();
    }
  } catch (error) {
    return `no connection tracking in a namespace: ${String(error)}`;
  }
}

function host(): { readonly namespace: NetworkNamespace; readonly table: Conntrack } {
  const namespace = createNamespace();
  onTestFinished(() => namespace.close());
  const table = inNamespace(namespace.fd, () => {
    const opened = new Conntrack();
    writeConntrackSetting('nf_conntrack_events', 1);
    return opened;
  });
  onTestFinished(() => table.close());
  return { namespace, table };
}

/** One end, with what it tells. */
function end(more: Partial<ConntrackSourceOptions> = {}) {
  const { namespace, table } = host();
  const news: string[] = [];
  const source = inNamespace(
    namespace.fd,
    () =>
      new ConntrackSource({
        network: { namespace },
        filter: {},
        addresses: [],
        onNews: (message, figures) => news.push(`${message} ${JSON.stringify(figures)}`),
        ...more,
      }),
  );
  onTestFinished(() => source.close());
  const copy = new Map<string, Uint8Array>();
  let told = 0;
  const sink = {
    change: (updates: readonly KeyUpdate[]): Promise<void> => {
      told += updates.length;
      for (const { key, value } of updates) {
        if (value === null) copy.delete(key);
        else copy.set(key, value);
      }
      return Promise.resolve();
    },
    entries: () => copy.entries(),
  };
  const begin = (entries: Iterable<readonly [string, Uint8Array]>, isOwn = false): Promise<void> =>
    source.begin(entries, sink, { isOwn, signal });
  return { source, table, namespace, news, copy, begin, told: () => told };
}

/** What of a table is shared. */
const flowsOf = (table: Conntrack): Record<string, string> =>
  Object.fromEntries(
    [...table.dump()]
      .flat()
      .map((entry) => [sharedFlowKey(entry), sharedFlowBody(entry)] as const)
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );

/** Those of them that have begun, and none that the kernel makes different from how they are given. */
const begun: ConntrackEntry[] = various
  .filter(([name]) => name !== 'UDP without an answer')
  .map(([, entry]) => entry);
const ports = (from: number, count: number): ConntrackEntry[] =>
  Array.from({ length: count }, (_, n) => masqueraded(from + n));

describe.skipIf(missing !== '')(`connections of a slot ${missing}`, () => {
  test('of all kinds, with their translation: what one kernel has, the other has', async () => {
    const [holder, standby] = [end(), end()];
    holder.table.insert(begun);
    await holder.begin([], true);
    holder.table.insert(ports(2000, 300));
    holder.table.remove(ports(2000, 100));
    await holder.source.end();
    expect(holder.copy.size).toBe(begun.length + 200);
    expect(Math.max(...[...holder.copy].map(([key, value]) => key.length + value.length))).toBeLessThan(80);

    await standby.begin(holder.copy);
    expect(flowsOf(standby.table)).toEqual(flowsOf(holder.table));
    // It goes on from the same state: there is nothing to be told.
    await standby.source.end();
    expect([standby.told(), standby.news]).toEqual([
      0,
      [`connections of the copy are in the kernel {"flows":${begun.length + 200},"kept":0,"removed":0}`],
    ]);
  });

  test('what is not in the copy is removed, what differs is replaced, and the rest is left', async () => {
    const [holder, standby] = [end(), end()];
    await holder.begin([], true);
    holder.table.insert(ports(1000, 50));
    await holder.source.end();
    const other = { ...masqueraded(1002), reply: masqueraded(1900).reply };
    const elsewhere = {
      ...masqueraded(1003),
      reply: masqueraded(1004).reply,
      original: plainUdp(1).original,
    };
    standby.table.insert([masqueraded(1001), other, plainUdp(5), masqueraded(3000)]);
    expect(standby.table.insert([{ ...elsewhere, reply: plainUdp(1).reply }])).toEqual([]);
    await standby.begin(holder.copy);
    expect(flowsOf(standby.table)).toEqual(flowsOf(holder.table));
    expect(standby.news).toEqual([
      'connections of the copy are in the kernel {"flows":49,"kept":1,"removed":4}',
    ]);
  });

  test('who had the slot last keeps what it has, and tells the difference', async () => {
    const holder = end();
    holder.table.insert(ports(1000, 20));
    await holder.begin([], true);
    await holder.source.end();
    const before = new Map(holder.copy);
    // While nobody listened.
    holder.table.remove(ports(1000, 5));
    holder.table.insert(ports(5000, 7));
    const now = flowsOf(holder.table);
    const told = holder.told();
    await holder.begin(before, true);
    await holder.source.end();
    expect(flowsOf(holder.table)).toEqual(now);
    expect(new Set(holder.copy.keys())).toEqual(new Set(Object.keys(now)));
    expect(holder.told() - told).toBe(12);
  });

  test('events that the kernel had to drop are made up for, and it is said', async () => {
    const holder = end({ receiveBufferBytes: 64 * 1024 });
    await holder.begin([], true);
    // Nothing is read meanwhile, and the kernel keeps less than this.
    const many = Array.from({ length: 5_000 }, (_, n) => plainUdp(n));
    holder.table.insert(many);
    holder.table.remove(many.slice(0, 2_000));
    await until('the copy is whole', () => holder.copy.size === 3_000 && holder.news.length > 0);
    await holder.source.end();
    expect(holder.news[0]).toBe('the kernel lost events of connections: all are listed anew {"times":1}');
    expect([...holder.copy.keys()].toSorted()).toEqual(Object.keys(flowsOf(holder.table)));
  });

  test('of the node itself: its own connections are neither shared nor removed, those of the slot are', async () => {
    const { namespace, table } = host();
    inNamespace(namespace.fd, () => {
      writeConntrackSetting('nf_conntrack_events', 2);
      for (const words of [
        'link set lo up',
        'addr add 192.0.2.7/32 dev lo',
        'addr add 198.51.100.1/32 dev lo',
      ])
        expect(spawnSync('ip', words.split(' ')).status).toBe(0);
    });
    const own = { ...plainUdp(1) };
    const [from, to] = [own.original.source, Uint8Array.of(192, 0, 2, 7)];
    const management: ConntrackEntry = {
      ...own,
      original: { ...own.original, source: from, destination: to },
      reply: { ...own.reply, source: to, destination: from },
    };
    table.insert([management, masqueraded(1)]);
    const copy = new Map<string, Uint8Array>();
    const sink = {
      change: (updates: readonly KeyUpdate[]): Promise<void> => {
        for (const { key, value } of updates) if (value !== null) copy.set(key, value);
        return Promise.resolve();
      },
      entries: () => copy.entries(),
    };
    // As the agent is: in the namespace all along.
    const source = inNamespace(namespace.fd, () => {
      const made = new ConntrackSource({
        network: null,
        filter: {},
        addresses: ['198.51.100.1'],
        onNews: () => undefined,
      });
      expect(readConntrackSetting('nf_conntrack_events')).toBe(1);
      return made;
    });
    onTestFinished(() => source.close());
    await inNamespace(namespace.fd, () => source.begin([], sink, { isOwn: true, signal }));
    await source.end();
    expect([...copy.keys()]).toEqual([sharedFlowKey(masqueraded(1))]);
  });

  test('a kernel that takes nothing ends it; one slot at a time', async () => {
    const standby = end();
    const broken = [[sharedFlowKey(masqueraded(1)), Uint8Array.of(5, 0x58, 0xf0, 0, 0)]] as const;
    await expect(standby.begin(broken)).rejects.toThrow(/the kernel refuses all 1 connections: E/);
    await standby.begin([]);
    await expect(standby.begin([])).rejects.toThrow('held already');
    await standby.source.end();
    await standby.source.end();
    await standby.begin([]);
  });
});
