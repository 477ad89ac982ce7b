// SPDX-License-Identifier: Apache-2.0
import type { KeyUpdate } from '@vnfpool/core/replication';
import { PlatformError } from '@vnfpool/platform';
import type { ConntrackEntry, ConntrackTuple } from '@vnfpool/platform/conntrack';
import {
  asGoneOn,
  FirstPackets,
  type FirstPacketsOptions,
  type FirstPacketWayListener,
} from '@vnfpool/runtime/flow-sharing';
import { StillClock } from '@vnfpool/testkit/clocks';
import {
  decodeSharedFlow,
  readSharedFlowKey,
  sharedFlowBody,
  sharedFlowKey,
  sharedFlowValue,
} from '@vnfpool/wire/flow-state';
import { expect, test, vi } from 'vitest';
import { established, tcp } from './flows.ts';

/* First packets, with a way of our own in place of the kernel's. */

const SERVER = Uint8Array.of(198, 51, 100, 7);
const GATEWAY = Uint8Array.of(192, 0, 2, 1);

/** A datagram as it is after its translation, from this port of the gateway. */
function datagram(port: number, protocol = 17): Uint8Array {
  const bytes = new Uint8Array(28);
  bytes[0] = 0x45;
  bytes[9] = protocol;
  bytes.set(GATEWAY, 12);
  bytes.set(SERVER, 16);
  new DataView(bytes.buffer).setUint16(20, port);
  new DataView(bytes.buffer).setUint16(22, 53);
  return bytes;
}

/** What the client with this number sent. */
const originalOf = (client: number): ConntrackTuple => ({
  source: Uint8Array.of(10, 0, 0, client),
  destination: SERVER,
  protocol: 17,
  layer4: { kind: 'ports', source: 5_000, destination: 53 },
});
const keyOf = (client: number): string =>
  sharedFlowKey({ original: originalOf(client), zone: 0, zoneDirection: 'both' });

function scene(more: Partial<FirstPacketsOptions> = {}) {
  const clock = new StillClock();
  const done: string[] = [];
  const news: string[] = [];
  /** By port at the gateway. */
  const originals = new Map<number, ConntrackTuple>();
  const there = new Map<string, ConntrackEntry>();
  const listeners: FirstPacketWayListener[] = [];
  const changes: { updates: readonly KeyUpdate[]; settle: () => void; fail: (error: Error) => void }[] = [];
  const withdrawn: string[] = [];
  let id = 0;
  const first = new FirstPackets({
    open: (listener) => {
      listeners.push(listener);
      return {
        accept: (ids) => done.push(...ids.map((each) => `accept ${each}`)),
        drop: (ids) => done.push(...ids.map((each) => `drop ${each}`)),
        originalOf: ({ tuple: { layer4 } }) =>
          layer4?.kind === 'ports' ? originals.get(layer4.source) : undefined,
        overflowed: () => 3,
        close: () => done.push('close'),
      };
    },
    flows: {
      flush: () => undefined,
      look: (key) => there.get(key),
      announce: (key, entry) => ({
        key,
        value: sharedFlowValue(sharedFlowBody(entry), entry.timeoutSeconds),
      }),
      withdraw: (keys) => void withdrawn.push(...keys),
      sweep: () => undefined,
    },
    filter: {},
    change: (updates) =>
      new Promise((settle, fail) => {
        changes.push({ updates, settle, fail });
      }),
    onNews: (message, figures) => void news.push(`${message} ${JSON.stringify(figures)}`),
    clock,
    ...more,
  });
  /** Clients begin, each by its port at the gateway. */
  const begin = (...flows: (readonly [client: number, port: number])[]): void => {
    for (const [client, port] of flows) originals.set(port, originalOf(client));
    const packets = flows.map(([, port]) => ({ id: ++id, bytes: datagram(port) }));
    listeners.at(-1)?.packets(packets);
  };
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return { clock, done, news, there, listeners, changes, withdrawn, first, begin, turn };
}

test('wait for their standbys, those of one turn together', async () => {
  const { begin, changes, done, first, turn } = scene();
  begin([1, 20_001], [2, 20_002]);
  expect(done).toEqual([]);
  expect(first.waiting).toBe(2);
  const [change] = changes;
  expect(change?.updates.map(({ key }) => key)).toEqual([keyOf(1), keyOf(2)]);
  const value = change?.updates[0]?.value ?? new Uint8Array();
  expect(decodeSharedFlow(readSharedFlowKey(keyOf(1)), value).reply).toEqual({
    source: SERVER,
    destination: GATEWAY,
    protocol: 17,
    layer4: { kind: 'ports', source: 53, destination: 20_001 },
  });
  change?.settle();
  await turn();
  expect(done).toEqual(['accept 1', 'accept 2']);
  expect(first.counts).toEqual({ released: 2, passed: 0, late: 0, unknown: 0, overflowed: 3 });
});

test('of one flow wait together, if they are translated in the same way', async () => {
  const { begin, changes, done, first, turn } = scene();
  begin([1, 20_001]);
  begin([1, 20_001], [1, 20_002]);
  expect(done).toEqual(['drop 3']);
  expect(changes).toHaveLength(1);
  changes[0]?.settle();
  await turn();
  expect(done).toEqual(['drop 3', 'accept 1', 'accept 2']);
  expect(first.counts).toMatchObject({ released: 2, unknown: 1 });
});

test('that are late are dropped, their flows taken back, and that it is over is told', async () => {
  const { begin, changes, clock, done, first, news, turn, withdrawn } = scene();
  begin([1, 20_001]);
  clock.pass(1_000);
  expect(done).toEqual(['drop 1']);
  expect(withdrawn).toEqual([keyOf(1)]);
  changes[0]?.settle();
  await turn();
  expect(done).toEqual(['drop 1']);
  begin([1, 20_002]);
  changes[1]?.settle();
  await turn();
  expect(done).toEqual(['drop 1', 'accept 2']);
  expect(first.counts).toMatchObject({ released: 1, late: 1 });
  expect(news).toEqual([
    'first packets are dropped {"reason":"the standbys do not have their flow in time"}',
    'first packets are let go again {"dropped":1}',
  ]);
});

test('are not let go by a process that stood still meanwhile', async () => {
  const { begin, changes, clock, done, turn } = scene();
  begin([1, 20_001]);
  clock.jump(1_000);
  changes[0]?.settle();
  await turn();
  expect(done).toEqual(['drop 1']);
});

test('are dropped when the standbys have no room', async () => {
  const { begin, changes, done, news, turn, withdrawn } = scene();
  begin([1, 20_001]);
  changes[0]?.fail(new Error('the state is as large as it may be'));
  await turn();
  expect(done).toEqual(['drop 1']);
  expect(withdrawn).toEqual([keyOf(1)]);
  expect(news).toEqual(['first packets are dropped {"reason":"the state is as large as it may be"}']);
});

test('pass at once that are of no flow of ours, or of one that has begun in the same way', () => {
  const { begin, changes, done, first, listeners, there } = scene({ filter: { protocols: [17] } });
  const entry = { ...tcp(1), original: originalOf(1), tcp: null };
  const reply = { source: SERVER, destination: GATEWAY, protocol: 17 };
  const at = (destination: number) => ({
    ...reply,
    layer4: { kind: 'ports' as const, source: 53, destination },
  });
  there.set(keyOf(1), { ...entry, reply: at(20_001) });
  there.set(keyOf(2), { ...entry, original: originalOf(2), reply: at(20_009) });
  begin([1, 20_001], [2, 20_002]);
  listeners[0]?.packets([
    // GRE has no ports; of the flow of the last one nothing was put down.
    { id: 8, bytes: datagram(20_003, 47) },
    { id: 9, bytes: datagram(20_004) },
  ]);
  expect(done).toEqual(['accept 1', 'drop 2', 'accept 8', 'drop 9']);
  expect(changes).toEqual([]);
  expect(first.counts).toMatchObject({ passed: 2, unknown: 2 });
});

test('are dropped while the kernel does not tell whether their flow has begun', () => {
  const look = (): never => {
    throw new PlatformError('TIMEOUT', 'no answer', { call: 'test' });
  };
  const flows = { look, flush: vi.fn(), announce: vi.fn(), withdraw: vi.fn(), sweep: vi.fn() };
  const { begin, changes, done, first } = scene({ flows });
  begin([1, 20_001]);
  expect([changes, done]).toEqual([[], ['drop 1']]);
  expect(first.counts).toMatchObject({ passed: 0, unknown: 1 });
});

test('that wait are dropped with the slot, and nothing is let go behind it', async () => {
  const { begin, changes, done, first, turn, withdrawn } = scene();
  begin([1, 20_001]);
  first.close();
  expect(done).toEqual(['close']);
  expect(withdrawn).toEqual([keyOf(1)]);
  changes[0]?.settle();
  await turn();
  expect(done.filter((each) => each.startsWith('accept'))).toEqual([]);
});

test('have another way when theirs fails', async () => {
  const { begin, changes, clock, done, listeners, news, turn } = scene();
  begin([1, 20_001]);
  listeners[0]?.failed(new Error('no memory'));
  expect(done).toEqual(['close']);
  expect(news).toEqual(['first packets cannot be held, and are dropped {"reason":"no memory"}']);
  clock.pass(1_000);
  expect(listeners).toHaveLength(2);
  begin([1, 20_001]);
  changes[1]?.settle();
  await turn();
  expect(done).toEqual(['close', 'accept 2']);
});

test.each([
  [1, 3],
  [2, 3],
  [3, 3],
  [6, 6],
])('whoever takes over takes a connection in state %i for one in state %i', (state, taken) => {
  const flow = tcp(1, { tcp: { ...established, state } });
  const key = readSharedFlowKey(sharedFlowKey(flow));
  const value = asGoneOn(sharedFlowValue(sharedFlowBody(flow), 300));
  expect(decodeSharedFlow(key, value)).toEqual({
    ...flow,
    timeoutSeconds: 300,
    tcp: { ...established, state: taken },
  });
});
