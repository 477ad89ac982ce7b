// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test, vi } from 'vitest';
import type { FunctionSessions } from '../../../src/node/function-state/index.ts';
import { blocks, chunksOf, FakeFunction, listen, never, sink, textOf } from './fake-function.ts';

// Processes and deadlines: a busy machine may take its time.
vi.setConfig({ testTimeout: 30_000 });

/** A function whose sessions can move. */
async function able() {
  const agent = await listen();
  const fake = new FakeFunction(agent.path);
  fake.say({ op: 'hello', v: 1, sessions: true });
  await fake.next('welcome');
  await expect.poll(() => agent.state.movableSessions).toBeTruthy();
  const sessions = agent.state.movableSessions as FunctionSessions;
  /** Answers the next request of this name. */
  const answer = async (op: string, more: object = {}): Promise<object> => {
    const { id, ...request } = (await fake.next(op)) ?? {};
    fake.say({ id: Number(id), ok: true, ...more });
    return request;
  };
  return { ...agent, fake, sessions, answer };
}

test('only of a function that says so, and its word on their number counts', async () => {
  const { state, path, sessions: told } = await listen();
  const shy = await FakeFunction.welcomed(path);
  expect(state.movableSessions).toBeNull();
  shy.say({ op: 'sessions', count: 3 });
  await expect.poll(() => told).toEqual([{ movable: false, count: 3 }]);
  const other = await able();
  other.fake.say({ op: 'sessions', count: 4 });
  await expect
    .poll(() => other.sessions.changeRate === null && other.state.movableSessions !== null)
    .toBe(true);
});

test('at the source: selected, quiesced, moved', async () => {
  const { sessions, answer } = await able();
  const selectors = [{ type: 'ratio', ratio: 0.3 }] as const;
  const selected = sessions.select(selectors, never());
  expect(await answer('select', { count: 3 })).toEqual({ op: 'select', sessions: selectors });
  expect(await selected).toBe(3);
  const quiesced = sessions.quiesce(never());
  expect(await answer('quiesce')).toEqual({ op: 'quiesce', scope: 'sessions' });
  await quiesced;
  const forward = { address: '192.0.2.11', port: 7 };
  const moved = sessions.moved(forward);
  expect(await answer('moved')).toEqual({ op: 'moved', forward });
  await moved;
  const resumed = sessions.resume();
  expect(await answer('resume')).toEqual({ op: 'resume', scope: 'sessions' });
  await resumed;
});

test('a selection without a number is none', async () => {
  const { sessions, answer } = await able();
  const selected = sessions.select([{ type: 'all' }], never());
  await answer('select');
  await expect(selected).rejects.toMatchObject({ code: 'protocol' });
});

test('at the destination: expected, with or without a place for packets, accepted, discarded', async () => {
  const { sessions, answer } = await able();
  const forward = { address: '2001:db8::11', port: 7 };
  const expected = sessions.expect(never());
  await answer('expect', { forward });
  expect(await expected).toEqual(forward);
  const again = sessions.expect(never());
  await answer('expect');
  expect(await again).toBeNull();
  const accepted = sessions.accept();
  await answer('accept', { count: 3 });
  expect(await accepted).toBe(3);
  const discarded = sessions.discard();
  expect(await answer('discard')).toEqual({ op: 'discard', scope: 'sessions' });
  await discarded;
});

describe('octets', () => {
  test('of an export are those of the selected ones, with how many they are', async () => {
    const { sessions, fake } = await able();
    const out = sink();
    const exported = sessions.export('snapshot', out.write, never());
    const { id, data } = await fake.transfer('export');
    data.end(blocks('some', ''));
    fake.say({ id, ok: true, count: 2 });
    await exported;
    expect([out.text(), sessions.movedSessions]).toEqual(['some', 2]);
  });

  test('of an import are kept aside, and counted', async () => {
    const { sessions, fake } = await able();
    const imported = sessions.import('snapshot', chunksOf('some'), never());
    const { id, data } = await fake.transfer('import');
    expect(await textOf(data)).toContain('some');
    fake.say({ id, ok: true, count: 2 });
    await imported;
    expect(sessions.movedSessions).toBe(2);
  });

  test('begin with a snapshot, whatever went before for the state as a whole', async () => {
    const { state, sessions, fake } = await able();
    const whole = state.export('snapshot', sink().write, never());
    const { id, data } = await fake.transfer('export');
    data.end(blocks(''));
    fake.say({ id, ok: true });
    await whole;
    await expect(sessions.export('delta', sink().write, never())).rejects.toMatchObject({
      code: 'out-of-sequence',
    });
  });
});
