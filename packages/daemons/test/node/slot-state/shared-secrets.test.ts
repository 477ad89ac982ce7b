// SPDX-License-Identifier: Apache-2.0
import { SharedMap, StatefulFunction } from '@vnfpool/client/stateful';
import type { SecurityState } from '@vnfpool/wire/mobility';
import { REPLICA_SECRET_BYTES_MAX } from '@vnfpool/wire/replication';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { StateEntry, StateSource } from '../../../src/node/slot-state/state-source.ts';
import { listen, never } from '../function-state/fake-function.ts';
import { entriesOf, FakeSink, octets } from './fake-sink.ts';
import { RawSharer, welcomed } from './raw-sharer.ts';

/* Secrets between a function and its agent: `SharedMap` with the agent's real end, and the agent's end octet by octet. */

vi.setConfig({ testTimeout: 30_000 });

async function start(path: string): Promise<SharedMap> {
  const map = new SharedMap();
  const made = await StatefulFunction.start({ shared: map, path });
  onTestFinished(() => made.close());
  return map;
}

function sinkOf(securityState: SecurityState, entries: readonly StateEntry[] = []): FakeSink {
  const sink = new FakeSink(entries);
  sink.securityState = securityState;
  return sink;
}

function begin(source: StateSource | null, sink: FakeSink, isOwn = false): Promise<void> {
  if (!source) throw new Error('it does not share');
  return source.begin([...sink.entries()], sink, { isOwn, epoch: '7', signal: never() });
}

async function holding(sink: FakeSink) {
  const agent = await listen();
  const map = await start(agent.path);
  await begin(agent.state.source, sink);
  return { ...agent, map };
}

const text = (value: Uint8Array | undefined): string => Buffer.from(value ?? []).toString('latin1');
const NAME: StateEntry = ['token', octets(''), 'name'];
const VALUE: StateEntry = ['token', octets('hunter2'), 'value'];

describe('a map whose pool has them', () => {
  test('sealed: they go to the agent as such, and come back from it', async () => {
    const sink = sinkOf('sealed');
    const { map } = await holding(sink);
    expect(map.securityState).toBe('sealed');
    await map.set('token', octets('hunter2'), { secret: true });
    await map.set('plain', octets('1'));
    expect(sink.text()).toEqual({ token: 'hunter2', plain: '1' });
    expect([...sink.secrets]).toEqual([['token', 'value']]);
    const next = await holding(sinkOf('sealed', [...sink.entries()]));
    expect(text(next.map.get('token'))).toBe('hunter2');
    expect(next.map.secretsToMake).toEqual([]);
  });

  test('made anew: only the name goes to the agent, and the next one is asked to make it', async () => {
    const sink = sinkOf('re-derive');
    const { map } = await holding(sink);
    await map.set('token', octets('hunter2'), { secret: true });
    expect(sink.text()).toEqual({ token: '' });
    expect([...sink.secrets]).toEqual([['token', 'name']]);
    expect(text(map.get('token'))).toBe('hunter2');
    const next = await holding(sinkOf('re-derive', [...sink.entries()]));
    expect([next.map.secretsToMake, next.map.has('token'), next.map.size]).toEqual([['token'], false, 0]);
    await next.map.set('token', octets('new'), { secret: true });
    expect(next.map.secretsToMake).toEqual([]);
  });

  test('excluded: nothing of them goes to the agent, and nothing is waited for', async () => {
    const sink = sinkOf('excluded');
    const { map } = await holding(sink);
    sink.isHolding = true;
    await map.set('token', octets('hunter2'), { secret: true });
    expect(await map.delete('token')).toBe(true);
    await map.set('token', octets('hunter3'), { secret: true });
    sink.isHolding = false;
    await map.set('plain', octets('1'));
    expect(sink.updates.map(({ key }) => key)).toEqual(['plain']);
    expect(text(map.get('token'))).toBe('hunter3');
  });

  test('excluded: what was no secret before does not stay with the agent', async () => {
    const sink = sinkOf('excluded');
    const { map } = await holding(sink);
    await map.set('token', octets('plain once'));
    await map.set('token', octets('hunter2'), { secret: true });
    expect(sink.text()).toEqual({});
    await map.set('token', octets('plain again'));
    expect(sink.text()).toEqual({ token: 'plain again' });
    expect([...sink.secrets]).toEqual([]);
  });

  test('a name that is given up is no more', async () => {
    const sink = sinkOf('re-derive', [NAME]);
    const { map } = await holding(sink);
    expect(await map.delete('token')).toBe(true);
    expect([map.secretsToMake, sink.text()]).toEqual([[], {}]);
    expect(await map.delete('token')).toBe(false);
  });

  test('a secret has its own bound, as its seal takes room', async () => {
    const { map } = await holding(sinkOf('sealed'));
    await map.set('token', new Uint8Array(REPLICA_SECRET_BYTES_MAX), { secret: true });
    const longer = new Uint8Array(REPLICA_SECRET_BYTES_MAX + 1);
    await expect(map.set('token', longer, { secret: true })).rejects.toMatchObject({ code: 'overloaded' });
    await map.set('token', longer);
  });
});

describe('a map that goes on with its own', () => {
  test.each<[SecurityState, readonly StateEntry[], readonly string[]]>([
    ['sealed', [VALUE], []],
    ['sealed', [NAME], ['token']],
    ['sealed', entriesOf({ token: 'hunter2' }), ['token']],
    ['sealed', [], ['token']],
    ['re-derive', [NAME], []],
    ['re-derive', [VALUE], ['token']],
    ['re-derive', entriesOf({ token: 'hunter2' }), ['token']],
    ['excluded', [], []],
    ['excluded', [NAME], ['token']],
    ['excluded', [VALUE], ['token']],
    ['excluded', entriesOf({ token: 'hunter2' }), ['token']],
  ])('%s, to an agent that has %j, tells %j', async (state, entries, told) => {
    const { map, state: agent } = await holding(sinkOf('sealed'));
    await map.set('token', octets('hunter2'), { secret: true });
    await agent.source?.end();
    const sink = sinkOf(state, entries);
    await begin(agent.source, sink, true);
    expect(sink.updates.map(({ key }) => key)).toEqual(told);
    const wanted = {
      sealed: ['value', 'hunter2'],
      're-derive': ['name', ''],
      excluded: [undefined, undefined],
    };
    expect([sink.secrets.get('token'), sink.text()['token']]).toEqual(wanted[state]);
    expect(text(map.get('token'))).toBe('hunter2');
  });

  test('names that it has not made yet stay', async () => {
    const { map, state: agent } = await holding(sinkOf('re-derive', [NAME]));
    await agent.source?.end();
    const sink = sinkOf('re-derive', [NAME]);
    await begin(agent.source, sink, true);
    expect([sink.updates, map.secretsToMake]).toEqual([[], ['token']]);
  });
});

describe('an agent', () => {
  const options = { isOwn: false, epoch: '7', signal: never() };

  test('tells who does not say that it knows secrets nothing of them, and keeps them', async () => {
    const { path, state } = await listen();
    const fake = await welcomed(path);
    const sink = sinkOf('sealed', [VALUE, ...entriesOf({ a: '1' })]);
    const begun = state.source?.begin([...sink.entries()], sink, options);
    const sharer = await RawSharer.of(fake);
    expect(sharer.request).not.toHaveProperty('secrets');
    expect(await sharer.hex(4 + 2 + 5)).toBe('00000007' + '0500' + '0101610231');
    expect(await sharer.hex(17)).toBe('0000000d' + '0501' + '0101' + '0000000000000000' + '00');
    sharer.confirm(1);
    fake.say({ id: sharer.id, ok: true });
    await begun;
    expect(sink.text()).toEqual({ token: 'hunter2', a: '1' });
  });

  test('says what becomes of them, and gives them as such', async () => {
    const { path, state } = await listen();
    const fake = await welcomed(path, { secrets: true });
    const sink = sinkOf('sealed', [
      ['b', octets('x'), 'value'],
      ['c', octets(''), 'name'],
    ]);
    const begun = state.source?.begin([...sink.entries()], sink, options);
    const sharer = await RawSharer.of(fake);
    expect(sharer.request).toMatchObject({ secrets: 'sealed' });
    // A frame with secrets: before each key which it is.
    expect(await sharer.hex(4 + 2 + 6 + 5)).toBe('0000000d' + '0502' + '010101620278' + '0102016301');
    await sharer.hex(17);
    sharer.confirm(2);
    fake.say({ id: sharer.id, ok: true });
    await begun;
    sharer.writeHex('00000008 05 02 01 01 01 64 02 79');
    await sink.has(1);
    expect(sink.updates).toEqual([{ key: 'd', value: octets('y'), secret: 'value' }]);
  });

  test('refuses a secret that would not go under a seal', async () => {
    const { path, state, refused } = await listen();
    const fake = await welcomed(path, { secrets: true });
    const sink = sinkOf('sealed');
    const begun = state.source?.begin([], sink, options);
    const sharer = await RawSharer.of(fake);
    sharer.confirm(0);
    fake.say({ id: sharer.id, ok: true });
    await begun;
    const value = new Uint8Array(REPLICA_SECRET_BYTES_MAX + 1);
    sharer.say({ type: 'updates', updates: [{ sequence: 1, key: 'd', value, secret: 'value' }], mark: null });
    expect((await fake.next('refused'))?.['reason']).toContain('a secret of 61441 octets, at most 61440');
    expect(refused).toMatchObject([{ code: 'protocol' }]);
    expect(sink.updates).toEqual([]);
  });
});
