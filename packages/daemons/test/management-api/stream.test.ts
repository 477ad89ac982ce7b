// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createManagementApi,
  type ManagementApi,
  type ManagementApiOptions,
} from '@vnfpool/daemons/management-api';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { edgeState, event, NOW, traffic } from './edge-state.ts';
import { FakeBackend } from './fake-backend.ts';
import { ask, OpenStream } from './http.ts';

let folder: string;
let socketPath: string;
let backend: FakeBackend;
let api: ManagementApi;

async function start(stream: NonNullable<ManagementApiOptions['stream']> = {}): Promise<void> {
  api = createManagementApi(backend, { log: { error: () => undefined }, stream });
  await api.listenUnix(socketPath);
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vnfpool-stream-'));
  socketPath = join(folder, 'api.sock');
  backend = new FakeBackend(edgeState());
});

afterEach(async () => {
  await api.close();
  await rm(folder, { recursive: true, force: true });
});

test('the state comes at once, and again when it changes', async () => {
  await start({ stateIntervalMs: 1 });
  const stream = await OpenStream.open({ socketPath });
  expect(await stream.next()).toEqual({ event: 'state', id: undefined, data: edgeState() });
  backend.change({ at: NOW + 1 });
  expect(await stream.next()).toMatchObject({ event: 'state', data: { at: NOW + 1 } });
  stream.close();
});

test('many changes within an interval become one message with the last of them', async () => {
  await start({ stateIntervalMs: 20 });
  const stream = await OpenStream.open({ socketPath }, '/v1/stream?kinds=state');
  await stream.next();
  for (let i = 1; i <= 100; i++) backend.change({ at: NOW + i });
  // The first change goes out at once, all others wait for the end of the interval.
  expect(await stream.next()).toMatchObject({ data: { at: NOW + 1 } });
  expect(await stream.next()).toMatchObject({ data: { at: NOW + 100 } });
  stream.close();
});

test('traffic is told of every source at once, and not more often than its interval', async () => {
  await start({ trafficIntervalMs: 20 });
  const stream = await OpenStream.open({ socketPath }, '/v1/stream?kinds=traffic');
  await vi.waitFor(() => expect(api.counters().streamClients).toBe(1));
  const sources = ['a', 'b'];
  const tell = (sent: number): void => {
    backend.view = { ...backend.view, traffic: sources.map((source) => ({ ...traffic, source, sent })) };
    backend.tell({ type: 'traffic' });
  };
  for (let sent = 1; sent <= 10; sent++) tell(sent);
  expect(await stream.next()).toMatchObject({
    event: 'traffic',
    data: [{ source: 'a', sent: 1 }, { source: 'b' }],
  });
  expect(await stream.next()).toMatchObject({
    data: [
      { source: 'a', sent: 10 },
      { source: 'b', sent: 10 },
    ],
  });
  stream.close();
});

test.each([
  ['?since=1', '/v1/stream?kinds=event&since=1', {}],
  ['Last-Event-ID', '/v1/stream?kinds=event', { 'last-event-id': '1' }],
])('%s brings what was missed, then what happens', async (_what, path, headers) => {
  await start();
  const stream = await OpenStream.open({ socketPath }, path, headers);
  expect((await stream.next()).id).toBe('2');
  expect((await stream.next()).id).toBe('3');
  backend.happen(event(4, 'new\nline'));
  expect(await stream.next()).toEqual({ event: 'event', id: '4', data: event(4, 'new\nline') });
  stream.close();
});

test('who has left is forgotten', async () => {
  await start();
  const stream = await OpenStream.open({ socketPath });
  await stream.next();
  expect(api.counters().streamClients).toBe(1);
  stream.close();
  await vi.waitFor(() => expect(api.counters().streamClients).toBe(0));
  expect(api.counters().streamClientsDropped).toBe(0);
});

test('who reads too slowly is cut off and counted; others go on', async () => {
  await start({ clientBytesMax: 64 * 1024 });
  const slow = await OpenStream.open({ socketPath }, '/v1/stream?kinds=event');
  const good = await OpenStream.open({ socketPath }, '/v1/stream?kinds=event');
  slow.response.pause();
  const gone = new Promise((resolve) => slow.response.once('close', resolve));
  const long = 'x'.repeat(32 * 1024);
  // More than the kernel's buffers hold; the good client reads each before the next is sent.
  let id = 4;
  for (; id < 500 && api.counters().streamClientsDropped === 0; id++) {
    backend.happen(event(id, long));
    expect((await good.next()).id).toBe(String(id));
  }
  expect(api.counters()).toEqual({ streamClients: 1, streamClientsDropped: 1 });
  backend.happen(event(id));
  expect((await good.next()).id).toBe(String(id));
  slow.response.resume();
  await gone;
  good.close();
});

test('one client too many is refused', async () => {
  await start({ clientsMax: 1 });
  const first = await OpenStream.open({ socketPath });
  await first.next();
  const second = await ask({ socketPath }, 'GET', '/v1/stream');
  expect(second.status).toBe(503);
  expect(second.json).toMatchObject({ error: { code: 'too-many-streams' } });
  first.close();
});

test('an unknown kind is refused', async () => {
  await start();
  expect((await ask({ socketPath }, 'GET', '/v1/stream?kinds=state,secrets')).status).toBe(400);
});

test('close ends open streams', async () => {
  await start();
  const stream = await OpenStream.open({ socketPath });
  await stream.next();
  const ended = once(stream.response, 'close');
  await api.close();
  await ended;
});
