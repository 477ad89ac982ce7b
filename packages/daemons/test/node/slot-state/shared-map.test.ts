// SPDX-License-Identifier: Apache-2.0
import {
  jsonValues,
  SharedMap,
  StatefulFunction,
  type StatefulFunctionOptions,
  TrackedMap,
} from '@vnfpool/client/stateful';
import { StateError } from '@vnfpool/runtime/replication';
import { expect, onTestFinished, test, vi } from 'vitest';
import { functionStateLimits } from '../../../src/node/function-state/function-state.ts';
import { SocketFunctionState } from '../../../src/node/function-state/index.ts';
import type { StateSource } from '../../../src/node/slot-state/state-source.ts';
import { listen, never, temporaryFolder } from '../function-state/fake-function.ts';
import { entriesOf, FakeSink, octets } from './fake-sink.ts';

/* `SharedMap` of the client library with the agent's real end. */

vi.setConfig({ testTimeout: 30_000 });

/** A function with a map, at an agent. */
async function start(path: string, options: Partial<StatefulFunctionOptions> = {}) {
  const calls = new SharedMap();
  const news: string[] = [];
  const made = await StatefulFunction.start({
    shared: calls,
    path,
    onTakeOver: (epoch) => void news.push(`has ${epoch}: ${[...calls.entries()].map(([key]) => key).join()}`),
    onRole: (role, epoch) => void news.push(`${role} ${epoch}`),
    onEnd: ({ code }) => news.push(`end: ${code}`),
    ...options,
  });
  onTestFinished(() => made.close());
  return { calls, made, news };
}

const begin = (source: StateSource | null, sink: FakeSink, isOwn = false, epoch = '7'): Promise<void> => {
  if (!source) throw new Error('it does not share');
  return source.begin([...sink.entries()], sink, { isOwn, epoch, signal: never() });
};

const textOf = (map: SharedMap): Record<string, string> =>
  Object.fromEntries([...map.entries()].map(([key, value]) => [key, Buffer.from(value).toString('latin1')]));

test('a function has exactly the state of the slot, says what changes, and hears when it is safe', async () => {
  const { path, state } = await listen();
  expect(state.source).toBeNull();
  const { calls, news } = await start(path);
  await expect(calls.set('a', octets('0'))).rejects.toMatchObject({ code: 'refused' });
  const sink = new FakeSink(entriesOf({ a: '1', b: '2' }));
  sink.isHolding = true;
  await begin(state.source, sink);
  await state.role('active', '7');
  expect(news).toEqual(['has 7: a,b', 'active 7']);
  expect(textOf(calls)).toEqual({ a: '1', b: '2' });
  let settled = 0;
  const changes = [calls.set('c', octets('3')), calls.delete('a'), calls.set('b', octets('4'))];
  for (const change of changes) void change.then(() => (settled += 1));
  const all = calls.settled();
  // What is read is new at once.
  expect(textOf(calls)).toEqual({ b: '4', c: '3' });
  await sink.has(3);
  expect(settled).toBe(0);
  sink.settleAll();
  await Promise.all([...changes, all]);
  expect(sink.text()).toEqual({ b: '4', c: '3' });
  expect(sink.updates.map(({ key }) => key)).toEqual(['c', 'a', 'b']);
});

test('it ends: what was said still comes, what has not settled fails, and no more is taken', async () => {
  const { path, state } = await listen();
  const { calls } = await start(path);
  const sink = new FakeSink();
  await begin(state.source, sink);
  sink.isHolding = true;
  const lost = calls.set('a', octets('1'));
  await sink.has(1);
  const alsoLost = calls.set('b', octets('2'));
  const failed = Promise.all([
    expect(lost).rejects.toMatchObject({ code: 'closed' }),
    expect(alsoLost).rejects.toMatchObject({ code: 'closed' }),
  ]);
  await state.source?.end();
  await failed;
  expect(sink.text()).toEqual({ a: '1', b: '2' });
  expect(calls.isHolder).toBe(false);
  await expect(calls.set('c', octets('3'))).rejects.toMatchObject({ code: 'refused' });
  expect(textOf(calls)).toEqual({ a: '1', b: '2' });
  // And again, by what another holder has made of it.
  const next = new FakeSink(entriesOf({ x: '9' }));
  await begin(state.source, next, false, '9');
  expect(textOf(calls)).toEqual({ x: '9' });
  await calls.set('y', octets('8'));
  expect(next.text()).toEqual({ x: '9', y: '8' });
});

test('who held the slot last keeps its state and corrects what the agent has', async () => {
  const { path, state } = await listen();
  const { calls, news } = await start(path);
  const sink = new FakeSink(entriesOf({ same: '1' }));
  await begin(state.source, sink);
  await calls.set('mine', octets('2'));
  await state.source?.end();
  const other = new FakeSink(entriesOf({ same: '1', mine: 'old', gone: '3' }));
  await begin(state.source, other, true, '8');
  expect(textOf(calls)).toEqual({ same: '1', mine: '2' });
  expect(other.text()).toEqual({ same: '1', mine: '2' });
  expect(other.updates.map(({ key }) => key).sort()).toEqual(['gone', 'mine']);
  expect(news).toEqual(['has 7: same', 'has 8: same,mine']);
});

test('a function that is new does not take its emptiness for the state of the slot', async () => {
  const { path, state } = await listen();
  const { calls } = await start(path);
  const sink = new FakeSink(entriesOf({ a: '1' }));
  await begin(state.source, sink, true);
  expect(textOf(calls)).toEqual({ a: '1' });
  expect(sink.updates).toEqual([]);
});

test('its state survives the death of the function in place', async () => {
  const { path, state } = await listen();
  const first = await start(path);
  const sink = new FakeSink();
  await begin(state.source, sink);
  await state.role('active', '7');
  await first.calls.set('a', octets('1'));
  sink.isHolding = true;
  const last = first.calls.set('b', octets('2'));
  await sink.has(2);
  const failed = expect(last).rejects.toMatchObject({ code: 'closed' });
  first.made.close();
  await failed;
  const second = await start(path);
  // The other one waits until all of its former life has settled: it may not be among the entries before.
  expect(second.news).toEqual([]);
  expect(second.made.role).toBeNull();
  sink.settleAll();
  await expect.poll(() => second.news).toEqual(['has 7: a,b', 'active 7']);
  sink.isHolding = false;
  await second.calls.set('c', octets('3'));
  expect(sink.text()).toEqual({ a: '1', b: '2', c: '3' });
  await state.source?.end();
  expect(second.calls.isHolder).toBe(false);
});

test('an agent that comes again: changes wait for it, and are safe then', async () => {
  const folder = temporaryFolder();
  const listenAt = async (formerFolder: string | null) => {
    const state = await SocketFunctionState.listen({
      name: 'kv#1',
      folder,
      formerFolder,
      format: null,
      limits: functionStateLimits,
      onHealth: () => undefined,
      onSessions: () => undefined,
      onRefused: () => undefined,
    });
    onTestFinished(() => state.close());
    return state;
  };
  const first = await listenAt(null);
  const { calls, news } = await start(first.environment['VNFPOOL_SOCKET'] ?? '');
  const sink = new FakeSink();
  await begin(first.source, sink);
  await first.role('active', '7');
  await calls.set('a', octets('1'));
  sink.isHolding = true;
  const during = calls.set('b', octets('2'));
  await first.close(true);
  const meanwhile = calls.set('c', octets('3'));
  const second = await listenAt(first.folder);
  await expect.poll(() => second.source).not.toBeNull();
  expect(calls.isHolder).toBe(true);
  const store = new FakeSink(entriesOf({ a: '1' }));
  store.isHolding = true;
  let isSafe = false;
  for (const change of [during, meanwhile]) void change.then(() => (isSafe = true));
  // One that takes the place of another tells the role first, and asks for the state once it may.
  await second.role('active', '7');
  expect(isSafe).toBe(false);
  const begun = begin(second.source, store, true, '7');
  await store.has(2);
  await begun;
  expect(isSafe).toBe(false);
  store.settleAll();
  await Promise.all([during, meanwhile]);
  expect(store.text()).toEqual({ a: '1', b: '2', c: '3' });
  // It went on, and has nothing to take over.
  expect(news).toEqual(['has 7: ', 'active 7', 'active 7']);
});

test('what waits is not safe as the agent has it: it is with what comes behind it, though nothing is to be corrected', async () => {
  const { path, state } = await listen();
  const { calls } = await start(path);
  const sink = new FakeSink(entriesOf({ '\0': '0' }));
  await begin(state.source, sink);
  sink.isHolding = true;
  const changed = calls.set('a', octets('1'));
  let isSafe = false;
  void changed.then(() => (isSafe = true));
  await sink.has(1);
  // The connection breaks, and the slot is granted anew; its standbys are filled with what this node has.
  state.source?.tellAnew?.();
  await state.source?.close();
  const next = new FakeSink(entriesOf({ '\0': '0', a: '1' }));
  next.isHolding = true;
  await begin(state.source, next, true, '8');
  await next.has(1);
  expect(next.updates).toEqual([{ key: '\0\0', value: null }]);
  expect([isSafe, next.text()]).toEqual([false, { '\0': '0', a: '1' }]);
  next.settleAll();
  await changed;
  sink.settleAll();
});

test('a state that the sink does not take: the connection is closed with the reason', async () => {
  const { path, refused, state } = await listen();
  const { calls, news } = await start(path);
  const sink = new FakeSink();
  await begin(state.source, sink);
  sink.refusal = new StateError('full', 'no room');
  await expect(calls.set('a', octets('1'))).rejects.toMatchObject({ code: 'closed' });
  expect(news).toContain('end: refused');
  expect(refused).toMatchObject([{ code: 'too-large', message: 'its state was not taken: no room' }]);
});

test('a sink that takes no more acknowledges nothing, and it goes on until the end', async () => {
  const { path, refused, state } = await listen();
  const { calls } = await start(path);
  const sink = new FakeSink();
  await begin(state.source, sink);
  sink.refusal = new StateError('closed', 'over');
  const failed = expect(calls.set('a', octets('1'))).rejects.toMatchObject({ code: 'closed' });
  await state.source?.end();
  await failed;
  expect(refused).toEqual([]);
});

test('a function may change its state while it takes over', async () => {
  const { path, state } = await listen();
  const calls = new SharedMap<number>({ values: jsonValues<number>() });
  await start(path, {
    shared: calls,
    onTakeOver: () => calls.set('takeOvers', (calls.get('takeOvers') ?? 0) + 1),
  });
  const sink = new FakeSink(entriesOf({ takeOvers: '4' }));
  await begin(state.source, sink);
  expect(sink.text()).toEqual({ takeOvers: '5' });
});

test('a function that cannot take the state says why, and the next attempt is a new one', async () => {
  const { path, refused, state } = await listen();
  const { calls } = await start(path, {
    shared: new SharedMap({ values: jsonValues() }) as unknown as SharedMap,
  });
  await expect(begin(state.source, new FakeSink(entriesOf({ a: 'no JSON' })))).rejects.toMatchObject({
    code: 'refused',
  });
  expect(calls.isHolder).toBe(false);
  const sink = new FakeSink(entriesOf({ a: '1' }));
  await begin(state.source, sink);
  expect(refused).toEqual([]);
});

test("shared and movable state stand beside each other; without an agent both are the function's own", async () => {
  const { path, state } = await listen();
  const store = new TrackedMap();
  const { calls } = await start(path, { state: store });
  expect(state.format).toBe('kv/1');
  await begin(state.source, new FakeSink());
  await calls.set('call', octets('1'));
  store.set('setting', 'x');
  const chunks: string[] = [];
  await state.export('snapshot', async (chunk) => void chunks.push(Buffer.from(chunk).toString()), never());
  expect(chunks.join('')).toBe('["clear"]\n["set","setting","x"]\n');
  const alone = new SharedMap();
  const made = await StatefulFunction.start({ shared: alone });
  onTestFinished(() => made.close());
  await alone.set('a', octets('1'));
  expect(await alone.delete('a')).toBe(true);
  expect(await alone.delete('a')).toBe(false);
});

test('active in a pool that shares nothing, a function has its state alone; as a standby it takes nothing', async () => {
  const { path, state } = await listen();
  const { calls, news } = await start(path);
  await state.role('active', '3');
  await calls.set('a', octets('1'));
  await state.role('standby', '4');
  await expect(calls.set('a', octets('2'))).rejects.toMatchObject({ code: 'refused' });
  expect(news).toEqual(['has 3: ', 'active 3', 'standby 4']);
});

test('what has not settled is bounded, and so are keys, values and their sum', async () => {
  const { path, state } = await listen();
  const calls = new SharedMap({ waitingMax: 2, entriesMax: 3, bytesMax: 20 });
  await start(path, { shared: calls });
  const sink = new FakeSink();
  await begin(state.source, sink);
  const overloaded = { code: 'overloaded' };
  await expect(calls.set('', octets('1'))).rejects.toMatchObject(overloaded);
  await expect(calls.set('é'.repeat(513), octets('1'))).rejects.toMatchObject(overloaded);
  await expect(calls.set('a', new Uint8Array(65_537))).rejects.toMatchObject(overloaded);
  await expect(calls.set('a', new Uint8Array(20))).rejects.toMatchObject(overloaded);
  await expect(calls.set('\ud800', octets('1'))).rejects.toThrow(TypeError);
  sink.isHolding = true;
  const two = [calls.set('é', octets('1')), calls.set('b', octets('1'))];
  await expect(calls.set('c', octets('1'))).rejects.toMatchObject(overloaded);
  await sink.has(2);
  sink.settleAll();
  await Promise.all(two);
  sink.isHolding = false;
  await calls.set('c', octets('1'));
  await expect(calls.set('d', octets('1'))).rejects.toMatchObject(overloaded);
  expect(sink.text()).toEqual({ 'Ã©': '1', b: '1', c: '1' });
});

test('a large state goes over whole, both ways', async () => {
  const { path, state } = await listen();
  const { calls } = await start(path);
  const value = (index: number): Uint8Array => new Uint8Array(20_000).fill(index);
  const sink = new FakeSink(Array.from({ length: 200 }, (_, index) => [`in${index}`, value(index)] as const));
  await begin(state.source, sink);
  expect(calls.size).toBe(200);
  expect(calls.get('in7')).toEqual(value(7));
  await Promise.all(Array.from({ length: 400 }, (_, index) => calls.set(`out${index}`, value(index))));
  expect(sink.state.size).toBe(600);
  expect(sink.state.get('out399')).toEqual(value(399));
});
