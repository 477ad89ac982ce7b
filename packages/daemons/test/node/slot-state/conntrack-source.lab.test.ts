// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { functionId } from '@vnfpool/core';
import type { KeyUpdate } from '@vnfpool/core/replication';
import {
  Conntrack,
  type ConntrackEntry,
  type ConntrackExpectation,
  readConntrackSetting,
  writeConntrackSetting,
} from '@vnfpool/platform/conntrack';
import { createNamespace, inNamespace, type NetworkNamespace } from '@vnfpool/platform/namespaces';
import { createLogger } from '@vnfpool/runtime/logging';
import { StateError } from '@vnfpool/runtime/replication';
import {
  invertTuple,
  isSharedExpectationKey,
  sharedExpectationBody,
  sharedExpectationKey,
  sharedFlowBody,
  sharedFlowKey,
  sharedFlowParts,
  sharedFlowValue,
} from '@vnfpool/wire/flow-state';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { masqueraded, plainUdp, various } from '../../../../platform/test/conntrack/entries.ts';
import { until } from '../../../../platform/test/support/lab.ts';
import { FunctionStates } from '../../../src/node/function-states.ts';
import {
  ConntrackSource,
  type ConntrackSourceOptions,
} from '../../../src/node/slot-state/conntrack-source.ts';

/* Connections that a real kernel tracks in one namespace, shared, and put into the kernel of another. */

/** A connection by which others are announced. */
const control: ConntrackEntry = { ...masqueraded(40_000), helper: 'ftp' };

const missing = whyNoConntrack();
const noHelper = missing === '' ? whyNoHelper() : missing;
const { signal } = new AbortController();
/** TCP is taken whatever its sequence numbers. */
const LIBERAL = 8;

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
  const warnings: string[] = [];
  const source = inNamespace(
    namespace.fd,
    () =>
      new ConntrackSource({
        network: { namespace },
        slot: 'nat/0',
        filter: {},
        addresses: [],
        onNews: (message, figures, severity) => {
          news.push(`${message} ${JSON.stringify(figures)}`);
          if (severity === 'warning') warnings.push(message);
        },
        ...more,
      }),
  );
  onTestFinished(() => source.close());
  const copy = new Map<string, Uint8Array>();
  let told = 0;
  const gone: string[] = [];
  const sink = {
    securityState: undefined,
    change: (updates: readonly KeyUpdate[]): Promise<void> => {
      told += updates.length;
      for (const { key, value } of updates) {
        if (value !== null) copy.set(key, value);
        else {
          copy.delete(key);
          gone.push(key);
        }
      }
      return Promise.resolve();
    },
    entries: () => copy.entries(),
  };
  const begin = (entries: Iterable<readonly [string, Uint8Array]>, isOwn = false): Promise<void> =>
    source.begin(entries, sink, { isOwn, signal });
  return { source, table, namespace, news, warnings, copy, gone, begin, told: () => told };
}

/** The server will come to a port of the gateway. */
function awaited(port: number, master: ConntrackEntry = control): ConntrackExpectation {
  const ones = Uint8Array.of(255, 255, 255, 255);
  return {
    master: master.original,
    tuple: {
      source: control.original.destination,
      destination: control.reply.destination,
      protocol: 6,
      layer4: { kind: 'ports', source: 0, destination: port },
    },
    mask: {
      source: ones,
      destination: ones,
      protocol: 6,
      layer4: { kind: 'ports', source: 0, destination: 0xffff },
    },
    timeoutSeconds: 200,
    flags: 0,
    class: 0,
    zone: 0,
    helper: 'ftp',
    translation: null,
    function: null,
  };
}

/** Why a helper cannot be tried here; empty when it can. */
function whyNoHelper(): string {
  const namespace = createNamespace();
  try {
    const table = inNamespace(namespace.fd, () => new Conntrack());
    const [refused] = table.insert([control]);
    table.close();
    if (refused !== undefined) return `this kernel has no helper for FTP: ${refused.error.code}`;
    return spawnSync('nft', ['-v']).error === undefined ? '' : 'nft is not installed';
  } finally {
    namespace.close();
  }
}

function shell(namespace: NetworkNamespace, command: string): string {
  const { status, stdout, stderr } = inNamespace(namespace.fd, () =>
    spawnSync('sh', ['-c', command], { encoding: 'utf8' }),
  );
  expect(status, `${command}: ${stderr}`).toBe(0);
  return stdout;
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

  test('a take-over does not list a kernel that had nothing when the copy came; what has come in the way since is removed', async () => {
    const connection = masqueraded(41_000);
    const entries = new Map([[sharedFlowKey(connection), sharedFlowValue(sharedFlowBody(connection), 600)]]);
    const contents = { get: (key: string) => entries.get(key), entries: () => entries.entries() };
    const listed = vi.spyOn(Conntrack.prototype, 'dump');
    onTestFinished(() => listed.mockRestore());
    const clear = end();
    clear.source.follow(contents, null);
    listed.mockClear();
    await clear.begin(entries);
    expect(listed).not.toHaveBeenCalled();
    expect(flowsOf(clear.table)).toEqual({ [sharedFlowKey(connection)]: sharedFlowBody(connection) });

    const crossed = end();
    crossed.source.follow(contents, null);
    // Another client behind the port of the gateway that is this one's.
    const source = Uint8Array.of(10, 0, 0, 77);
    expect(crossed.table.insert([{ ...connection, original: { ...connection.original, source } }])).toEqual(
      [],
    );
    await crossed.begin(entries);
    expect(flowsOf(crossed.table)).toEqual({ [sharedFlowKey(connection)]: sharedFlowBody(connection) });
    expect(crossed.warnings).toEqual([]);
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
    expect(holder.source.overruns()).toEqual({ times: holder.news.length, isAmid: true });
    await holder.source.end();
    expect(holder.source.overruns()).toBeNull();
    expect(holder.news[0]).toBe('the kernel lost events of connections: all are listed anew {"times":1}');
    expect(holder.warnings).toHaveLength(holder.news.length);
    expect([...holder.copy.keys()].toSorted()).toEqual(Object.keys(flowsOf(holder.table)));
  });

  test('that have no room in the copy are a fault, which the log of the agent warns of, and which ends', async () => {
    const { namespace, table } = host();
    const lines: string[] = [];
    const write = (line: string): void => void lines.push(line);
    const logger = createLogger({ component: 'node', to: { write } });
    const states = new FunctionStates({ folder: '/nonexistent', give: () => undefined, logger });
    const run = { functionId: functionId(1), run: 1 };
    states.begin(run);
    onTestFinished(() => states.end(run));
    const state = await states.open({
      ...run,
      name: 'nat#1',
      specification: { v: 1, kind: 'process', command: ['nat'], state: { via: 'conntrack' } },
      environment: {},
      fill: (text) => text,
      pid: () => null,
      network: { namespace, isPassing: () => true },
    });
    const source = state.connections?.of('nat/0', []);
    const copy = new Set<string>();
    const sink = {
      securityState: undefined,
      change: (updates: readonly KeyUpdate[]): Promise<void> => {
        for (const [place, { key, value }] of updates.entries()) {
          if (value === null) copy.delete(key);
          else if (copy.size < 5 || copy.has(key)) copy.add(key);
          else return Promise.reject(new StateError('full', 'full', place));
        }
        return Promise.resolve();
      },
      entries: () => [],
    };
    await source?.begin([], sink, { isOwn: false, epoch: '1', signal });
    const all = Array.from({ length: 7 }, (_, n) => plainUdp(n));
    table.insert(all);
    const fault = 'the copy is full, and 2 connections wait for room';
    await until('it is a fault', () => source?.fault?.() === fault);
    table.remove(all.slice(0, 3));
    await until('it is none', () => source?.fault?.() === null, 15_000);
    expect(copy.size).toBe(4);
    await source?.end();
    const told = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(told.filter(({ msg }) => /copy.*(full|room)/.test(String(msg)))).toMatchObject([
      { level: 'warn', name: 'nat#1', msg: 'the copy of the connections is full: not all are shared' },
      { level: 'info', msg: 'the copy of the connections has room again, and all are shared' },
    ]);
  }, 30_000);

  test('of which the kernel tells nothing any more are a fault within seconds, and are listed once it does; two that follow one kernel', async () => {
    const holder = end();
    const other = end({ network: { namespace: holder.namespace } });
    await holder.begin([], true);
    await other.begin([], true);
    const setEvents = (value: number): void =>
      inNamespace(holder.namespace.fd, () => writeConntrackSetting('nf_conntrack_events', value));
    setEvents(0);
    holder.table.insert([masqueraded(1)]);
    const isSilent =
      /^the kernel has told nothing of its connections for \d+ s \(net\.netfilter\.nf_conntrack_events is 0\)$/;
    for (const { source } of [holder, other])
      await until('it is a fault', () => isSilent.test(source.fault() ?? ''));
    setEvents(1);
    for (const { source, copy } of [holder, other]) {
      await until('it is none', () => source.fault() === null);
      expect([...copy.keys()]).toEqual([sharedFlowKey(masqueraded(1))]);
    }
    for (const { warnings, news } of [holder, other]) {
      expect(warnings).toEqual(['the kernel tells nothing of its connections']);
      expect(news.at(-1)).toContain('the kernel tells of its connections again');
    }
    // Of the canaries nothing is left, and nobody was told of them.
    expect(holder.table.count()).toBe(1);
    holder.table.insert([masqueraded(2)]);
    await until('it is told', () => holder.copy.size === 2 && other.copy.size === 2);
    await holder.source.end();
    await other.source.end();
  }, 30_000);

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
      securityState: undefined,
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
        slot: 'nat/0',
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

  test.skipIf(noHelper !== '')(`what is expected comes true at the next holder ${noHelper}`, async () => {
    const [holder, standby] = [end(), end()];
    const child: ConntrackEntry = {
      ...masqueraded(9),
      reply: invertTuple(masqueraded(9).original),
      master: control.original,
    };
    const another = { ...masqueraded(40_001), helper: 'ftp' };
    holder.table.insert([control, another, child]);
    holder.table.expect([awaited(4021)]);
    await holder.begin([], true);
    await until('it is told', () => [...holder.copy.keys()].some(isSharedExpectationKey));
    // A helper expects one at a time.
    holder.table.expect([awaited(4022, another)]);
    holder.table.unexpect([awaited(4022, another)]);
    holder.table.expect([awaited(4023, another)]);
    await holder.source.end();
    expect([...holder.copy.keys()].filter(isSharedExpectationKey)).toHaveLength(2);

    // One that nobody can be expected for any more.
    const orphan = { ...awaited(4024), master: plainUdp(3).original };
    holder.copy.set(
      sharedExpectationKey(orphan),
      sharedFlowValue(sharedExpectationBody(orphan), orphan.timeoutSeconds),
    );
    await standby.begin(holder.copy);
    expect(standby.news.slice(1)).toEqual([
      'expected connections of the copy are in the kernel {"expected":2}',
      'connections are not expected any more: their master is not there {"orphaned":1}',
    ]);
    const expectedAt = standby.table
      .expectations()
      .map(({ tuple: { layer4 } }) => (layer4?.kind === 'ports' ? layer4.destination : 0));
    expect(new Set(expectedAt)).toEqual(new Set([4021, 4023]));
    expect(standby.table.find(child)?.master).toEqual(control.original);

    const server = createNamespace();
    onTestFinished(() => server.close());
    const inStandby = (command: string): string => shell(standby.namespace, command);
    inStandby(`ip link add v0 type veth peer name v1 netns /proc/${process.pid}/fd/${server.fd}`);
    inStandby('ip addr add 198.51.100.1/32 dev v0 && ip link set v0 up && ip route add 192.0.2.80 dev v0');
    shell(
      server,
      'ip addr add 192.0.2.80/32 dev v1 && ip link set v1 up && ip route add 198.51.100.1 dev v1',
    );
    inStandby(
      "nft 'table ip t { chain c { type filter hook input priority 0; ct state related counter; }; }'",
    );
    // Nobody listens there, and a refusal would end it: what counts is how its first packet is taken.
    inStandby(
      "nft 'add chain ip t o { type filter hook output priority -300; }; add rule ip t o tcp flags rst drop'",
    );
    // On a machine that does much else the shell may take longer to begin than it is given; of a second try only the first is expected.
    await until('its first packet is taken for what was expected', () => {
      shell(server, 'timeout 0.2 bash -c "echo > /dev/tcp/198.51.100.1/4021" 2> /dev/null; true');
      return /related counter packets [1-9]/.test(inStandby('nft list chain ip t c'));
    });
    const met = [...standby.table.dump()]
      .flat()
      .find(({ original: { layer4 } }) => layer4?.kind === 'ports' && layer4.destination === 4021);
    expect(met?.master).toEqual(control.original);
    await standby.source.end();
    expect(standby.gone).toContain(sharedExpectationKey(awaited(4021)));
  });

  test('a standby keeps its copy in its kernel where it is to, tells none of it, and has little to put in when it takes over', async () => {
    const [holder, standby] = [end(), end({ standby: 'kernel' })];
    holder.table.insert(begun);
    await holder.begin([], true);
    await holder.source.end();
    const own = plainUdp(99);
    standby.table.insert([own]);
    standby.source.follow(holder.copy, null);
    const expectSame = (more: readonly ConntrackEntry[] = [own]): Promise<unknown> =>
      until('the kernel has the copy', () => {
        const mine = new Map([...holder.copy].map(([key, value]) => [key, sharedFlowParts(value).body]));
        for (const each of more) mine.set(sharedFlowKey(each), sharedFlowBody(each));
        const here = new Map(Object.entries(flowsOf(standby.table)));
        return here.size === mine.size && [...mine].every(([key, body]) => here.get(key) === body);
      });
    await expectSame();
    const tcp = standby.table.find(masqueraded(40_000));
    expect(tcp?.tcp?.originalFlags).toBe((masqueraded(40_000).tcp?.originalFlags ?? 0) | LIBERAL);

    // As the holder tells them: one comes, one is otherwise, one goes.
    const [comes, changes, goes] = [masqueraded(2000), { ...masqueraded(40_000), mark: 7 }, plainUdp(2)];
    for (const each of [comes, changes])
      holder.copy.set(sharedFlowKey(each), sharedFlowValue(sharedFlowBody(each), each.timeoutSeconds));
    holder.copy.delete(sharedFlowKey(goes));
    standby.source.follow(holder.copy, [comes, changes, goes].map(sharedFlowKey));
    await expectSame();
    expect([standby.told(), standby.news]).toEqual([0, []]);

    // What others do there is made up for.
    standby.table.remove([comes]);
    standby.table.insert([plainUdp(98)]);
    for (const [key, value] of holder.copy) standby.copy.set(key, value);
    await standby.begin(holder.copy);
    expect(standby.news).toEqual([
      `connections of the copy are in the kernel {"flows":1,"kept":${holder.copy.size - 1},"removed":2}`,
    ]);
    await expectSame([]);
    await standby.source.end();
    expect(standby.told()).toBe(0);

    // It held the slot, and does so no more: what ends elsewhere ends here, and all of it when no copy is wanted.
    const next = new Map([...holder.copy].slice(3));
    standby.source.follow(next, null);
    await until('what is no more is gone', () => Object.keys(flowsOf(standby.table)).length === next.size);
    await standby.source.forget();
    expect(flowsOf(standby.table)).toEqual({});
  });

  test('a kernel that takes not all of the copy has lost some, which is warned of', async () => {
    const standby = end();
    const flow = masqueraded(2);
    const broken = [sharedFlowKey(masqueraded(1)), Uint8Array.of(5, 0x58, 0xf0, 0, 0)] as const;
    const whole = [sharedFlowKey(flow), sharedFlowValue(sharedFlowBody(flow), 300)] as const;
    await standby.begin([broken, whole]);
    expect([standby.source.hasLost(), standby.source.fault()]).toEqual([true, null]);
    expect(standby.warnings).toEqual(['the kernel refuses connections, which are lost']);
    await standby.source.end();
    await standby.begin([whole]);
    expect(standby.source.hasLost()).toBe(false);
    await standby.source.end();
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
