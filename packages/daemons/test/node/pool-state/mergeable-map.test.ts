// SPDX-License-Identifier: Apache-2.0
import { MergeableMap, StatefulFunction } from '@vnfpool/client/stateful';
import { systemClock } from '@vnfpool/runtime/driver';
import { PoolReplica } from '@vnfpool/runtime/gossip';
import { systemRandom } from '@vnfpool/runtime/random';
import { encodeMerge, type MergeRequest } from '@vnfpool/wire/merge-link';
import { expect, onTestFinished, test, vi } from 'vitest';
import { functionStateLimits, SocketFunctionState } from '../../../src/node/function-state/index.ts';
import { FakeFunction, temporaryFolder } from '../function-state/fake-function.ts';
import { RawData } from './raw-data.ts';

/* `MergeableMap` of the client library with the agent's real end, and what that makes of functions that break the rules. */

vi.setConfig({ testTimeout: 30_000 });

const octets = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));

/** The agent's end of one function, whose pool has this state. */
async function agent() {
  let replica: PoolReplica | null = replicaOf();
  const refused: string[] = [];
  const folder = temporaryFolder();
  const listen = (formerFolder: string | null = null) =>
    SocketFunctionState.listen({
      name: 'kv#1',
      folder,
      formerFolder,
      format: null,
      limits: functionStateLimits,
      replica: () => replica,
      onHealth: () => undefined,
      onSessions: () => undefined,
      onRefused: ({ code, message }) => refused.push(`${code}: ${message}`),
    });
  const state = await listen();
  onTestFinished(() => state.close());
  return {
    state,
    refused,
    listen,
    path: state.environment['VNFPOOL_SOCKET'] ?? '',
    get replica() {
      if (replica === null) throw new Error('there is none');
      return replica;
    },
    /** The pool has another state now; null: none. */
    become: (next: PoolReplica | null) => {
      replica = next;
      state.mergeAnew();
    },
  };
}

function replicaOf(origin = 1): PoolReplica {
  const replica = new PoolReplica({
    pool: 'kv',
    origin,
    incarnation: 1n,
    random: systemRandom(),
    clock: systemClock(),
    wallMs: () => 1_000,
    send: () => undefined,
    onEvent: () => undefined,
    onFault: ({ error }) => {
      throw error;
    },
  });
  onTestFinished(() => replica.close());
  return replica;
}

async function start(path: string, onChange: (key: string) => void = () => undefined) {
  const map = new MergeableMap({ onChange });
  const made = await StatefulFunction.start({ mergeable: map, path });
  onTestFinished(() => made.close());
  return { map, made };
}

test('a function is given what there is, changes it, and hears of what others change', async () => {
  const { path, replica } = await agent();
  replica.update({ type: 'count', key: octets('anna'), by: 3 });
  replica.update({ type: 'add', key: octets('blocked'), element: octets('eve') });
  const changed: string[] = [];
  const { map } = await start(path, (key) => changed.push(key));
  await map.joined();
  expect(map.counter('anna')).toBe(3);
  expect(map.has('blocked', 'eve')).toBe(true);
  expect(map.counter('nobody')).toBe(0);
  await Promise.all([
    map.count('anna'),
    map.count('anna', -2),
    map.write('limit', '5'),
    map.add('blocked', 'mallory'),
  ]);
  // What is made can be read.
  expect(map.counter('anna')).toBe(2);
  expect(map.register('limit')).toBe('5');
  expect(map.elements('blocked').toSorted()).toEqual(['eve', 'mallory']);
  expect(replica.state.counter(octets('anna'))).toBe(2);
  await map.discard('blocked', 'eve');
  await map.remove('limit');
  expect(map.register('limit')).toBeUndefined();
  expect([...map.keys()].toSorted()).toEqual(['anna', 'blocked']);
  changed.length = 0;
  const heard = vi.waitFor(() => expect(changed).toContain('new'));
  replica.update({ type: 'write', key: octets('new'), value: octets('from elsewhere') });
  await heard;
  expect(map.register('new')).toBe('from elsewhere');
});

test('a large set comes in parts, and is read whole', async () => {
  const { path, replica } = await agent();
  const elements = Array.from({ length: 500 }, (_, at) => `${at}`.padEnd(1_000, '-'));
  for (const element of elements)
    replica.update({ type: 'add', key: octets('many'), element: octets(element) });
  const seen: number[] = [];
  const { map } = await start(path, () => seen.push(map.elements('many').length));
  await map.joined();
  expect(map.elements('many').toSorted()).toEqual(elements.toSorted());
  await map.add('many', 'one more');
  expect(map.elements('many')).toHaveLength(501);
  expect(seen.every((length) => length >= 500)).toBe(true);
});

test('what cannot be made fails, and nothing of it is there', async () => {
  const { path, replica } = await agent();
  const { map } = await start(path);
  await map.count('sum', Number.MAX_SAFE_INTEGER);
  await expect(map.count('sum')).rejects.toMatchObject({ code: 'refused' });
  await expect(map.count('sum', 0.5)).rejects.toMatchObject({ code: 'refused' });
  await expect(map.write('k', 'x'.repeat(1_025))).rejects.toMatchObject({ code: 'refused' });
  await expect(map.write('k', '\ud800')).rejects.toThrow(TypeError);
  await map.count('k');
  expect(replica.state.counter(octets('sum'))).toBe(Number.MAX_SAFE_INTEGER);
  expect(map.counter('k')).toBe(1);
  expect(map.register('k')).toBeUndefined();
});

test('changes wait for the state of the pool, within a bound', async () => {
  const { path, become, replica } = await agent();
  become(null);
  const map = new MergeableMap({ waitingMax: 2 });
  const made = await StatefulFunction.start({ mergeable: map, path });
  onTestFinished(() => made.close());
  const waiting = [map.count('a'), map.count('a')];
  await expect(map.count('a')).rejects.toMatchObject({ code: 'overloaded' });
  expect(map.isJoined).toBe(false);
  become(replica);
  await Promise.all(waiting);
  expect(map.counter('a')).toBe(2);
  // Another state in its place: what there was is not there.
  const other = replicaOf(2);
  other.update({ type: 'count', key: octets('b'), by: 9 });
  become(other);
  await vi.waitFor(() => expect(map.counter('b')).toBe(9));
  expect(map.counter('a')).toBe(0);
});

test('a function that comes again, or whose agent does, is given all anew', async () => {
  const { path, replica, state, listen } = await agent();
  const { map } = await start(path);
  await map.count('a');
  await state.close(true);
  replica.update({ type: 'count', key: octets('a'), by: 4 });
  expect(map.counter('a')).toBe(1);
  // Before it has noticed, a change may have been made or not, and is told as such.
  await vi.waitFor(() => expect(map.isJoined).toBe(false));
  const waiting = map.count('a', 10);
  const again = await listen(state.folder);
  onTestFinished(() => again.close());
  await waiting;
  expect(map.counter('a')).toBe(15);
});

test('without an agent it is alone', async () => {
  const map = new MergeableMap();
  const early = map.count('a', 2);
  map.standAlone();
  await early;
  await map.add('a', 'x');
  expect(map.isJoined).toBe(true);
  expect([map.counter('a'), map.elements('a')]).toEqual([2, ['x']]);
  await map.remove('a');
  expect([...map.keys()]).toEqual([]);
  map.close();
  await expect(map.count('a')).rejects.toMatchObject({ code: 'closed' });
});

/** A function that says what a test wants over its data socket. */
async function raw(path: string) {
  const fake = new FakeFunction(path);
  fake.say({ op: 'hello', v: 1, merges: true });
  await fake.next('welcome');
  const request = await fake.next('merge');
  const data = new RawData(String(request?.['data']));
  fake.say({ id: Number(request?.['id']), ok: true });
  return { fake, data };
}

test('the whole conversation, in octets', async () => {
  const { path, replica } = await agent();
  replica.update({ type: 'count', key: octets('a'), by: 1 });
  const { data } = await raw(path);
  // Key a, whole, with a counter of 1 and no elements; then: that is all.
  expect(await data.hex(19)).toBe('0000000f' + '02' + '000161' + '07' + '0000000000000001' + '0000');
  expect(await data.hex(13)).toBe('00000009' + '03' + '0000000000000000');
  // 1: count a by 2; 2: read b.
  data.writeHex('00000019 01 0000000000000001 01 000161 0000000000000002 06 000162');
  expect(await data.hex(25)).toBe(
    '00000015' + '02' + '000161' + '07' + '0000000000000003' + '0000' + '000162' + '03' + '0000',
  );
  expect(await data.hex(13)).toBe('00000009' + '03' + '0000000000000002');
  // 3: more than a sum may be.
  data.writeHex('00000015 01 0000000000000003 01 000161 001fffffffffffff');
  expect(await data.hex(14)).toBe('0000000a' + '04' + '0000000000000003' + '04');
  expect(await data.hex(13)).toBe('00000009' + '03' + '0000000000000003');
});

test.each<[string, Uint8Array, string]>([
  [
    'a number that does not follow',
    encodeMerge({ type: 'requests', first: 2, requests: [{ type: 'remove', key: octets('a') }] }),
    'request 2 follows 0',
  ],
  [
    'what only an agent says',
    encodeMerge({ type: 'done', number: 0 }),
    'done is nothing that it has to say here',
  ],
  ['what is no frame', Uint8Array.of(255, 255, 255, 255), 'frame of'],
])('refused with the reason: %s', async (_, frame, reason) => {
  const { path, refused } = await agent();
  const { fake, data } = await raw(path);
  data.socket.write(frame);
  const said = await fake.next('refused');
  expect(String(said?.['reason'])).toContain(reason);
  expect(refused.join()).toContain(reason);
});

test('many refusals at once are all told, and what is asked beside them is done', async () => {
  const { path, replica } = await agent();
  const { data } = await raw(path);
  await data.hex(13);
  const requests: MergeRequest[] = Array.from({ length: 6_000 }, (_, at) =>
    at % 2 === 0
      ? { type: 'count', key: octets('sum'), by: 1 }
      : { type: 'count', key: octets('sum'), by: Number.MAX_SAFE_INTEGER },
  );
  data.socket.write(encodeMerge({ type: 'requests', first: 1, requests }));
  const told = await data.untilDone(6_000);
  expect(told.refused).toBe(3_000);
  expect(replica.state.counter(octets('sum'))).toBe(3_000);
});
