// SPDX-License-Identifier: Apache-2.0
import { StateError } from '@vnfpool/runtime/replication';
import type { ReplicaMessage } from '@vnfpool/wire/replication';
import { describe, expect, test, vi } from 'vitest';
import type { FunctionStateLimits, SocketFunctionState } from '../../../src/node/function-state/index.ts';
import { FakeFunction, listen, never } from '../function-state/fake-function.ts';
import { entriesOf, FakeSink, octets } from './fake-sink.ts';
import { RawSharer, welcomed } from './raw-sharer.ts';

/* What an agent says of shared state, octet by octet, and what it makes of functions that break the rules. */

vi.setConfig({ testTimeout: 30_000 });

async function connected(limits: Partial<FunctionStateLimits> = {}, nowMs?: () => number) {
  const agent = await listen(limits, null, nowMs);
  const fake = await welcomed(agent.path);
  const { source } = agent.state;
  if (!source) throw new Error('it does not share');
  return { ...agent, fake, source };
}

const options = { isOwn: false, epoch: '7', signal: never() };

/** One that shares: it was given no entry. */
async function sharing(sink: FakeSink, limits: Partial<FunctionStateLimits> = {}, nowMs?: () => number) {
  const agent = await connected(limits, nowMs);
  const begun = agent.source.begin([], sink, options);
  const sharer = await RawSharer.of(agent.fake);
  sharer.confirm(0);
  agent.fake.say({ id: sharer.id, ok: true });
  await begun;
  // The mark.
  await sharer.hex(17);
  return { ...agent, sharer };
}

test('the whole conversation, in octets', async () => {
  const { fake, source } = await connected();
  const sink = new FakeSink(entriesOf({ a: '1', '\u00ff': '' }));
  const begun = source.begin([...sink.entries()], sink, options);
  const sharer = await RawSharer.of(fake);
  expect(sharer.request).toMatchObject({ op: 'share', epoch: '7', own: false });
  // Updates without a mark: 1, key of 1 octet, value of 1; then the next, with a value of none.
  expect(await sharer.hex(4 + 2 + 5 + 4)).toBe('0000000b' + '0500' + '0101610231' + '0101ff01');
  // A mark alone: 2, 2 keys, no digest, no clock.
  expect(await sharer.hex(17)).toBe('0000000d' + '0501' + '0202' + '0000000000000000' + '00');
  sharer.writeHex('00000004 06 02 00 00');
  fake.say({ id: sharer.id, ok: true });
  await begun;
  // 1: b = x, 2: a is no more; 3: c = y, by a frame of its own.
  sink.isHolding = true;
  sharer.writeHex('0000000b 05 00 01 01 62 02 78 01 01 61 00');
  await sink.has(2);
  sharer.writeHex('00000007 05 00 03 01 63 02 79');
  await sink.has(3);
  sink.settleOne();
  expect(await sharer.hex(8)).toBe('00000004' + '06020000');
  const ended = source.end();
  // Up to 2 is safe.
  expect(await sharer.hex(6)).toBe('00000002' + '0802');
  sharer.writeHex('00000007 05 00 04 01 64 02 7a');
  sharer.data.end();
  await ended;
  expect(sink.text()).toEqual({ '\u00ff': '', b: 'x', c: 'y', d: 'z' });
});

test('acknowledgements go by the order of changes, however they settle', async () => {
  const sink = new FakeSink();
  sink.isHolding = true;
  const { sharer } = await sharing(sink);
  for (const sequence of [1, 2, 3]) sharer.set(sequence, 'k', String(sequence));
  await sink.has(3);
  const [first, second, third] = sink.waiting;
  second?.settle();
  first?.settle();
  // 2 at once: 1 was settled when it was told, or 1 first; in any case not 2 before 1.
  let told = await sharer.hex(8);
  if (told === '0000000406010000') told = await sharer.hex(8);
  expect(told).toBe('0000000406020000');
  third?.settle();
  expect(await sharer.hex(8)).toBe('0000000406030000');
});

test('own state is corrected before it is confirmed', async () => {
  const { fake, source } = await connected();
  const sink = new FakeSink(entriesOf({ a: 'old' }));
  const begun = source.begin([...sink.entries()], sink, { ...options, isOwn: true });
  const sharer = await RawSharer.of(fake);
  expect(sharer.request).toMatchObject({ own: true });
  sharer.set(1, 'a', 'new');
  sharer.set(2, 'b', 'more');
  sharer.confirm(1);
  fake.say({ id: sharer.id, ok: true });
  await begun;
  expect(sink.text()).toEqual({ a: 'new', b: 'more' });
  sharer.set(3, 'c', '3');
  await sink.has(3);
});

/** Ends a function's connection, and waits until the agent knows. */
async function gone(state: SocketFunctionState, fake: FakeFunction): Promise<void> {
  fake.say({ op: 'changes', bytesPerSecond: 1 });
  await expect.poll(() => state.changeRate).toBe(1);
  fake.socket.destroy();
  await expect.poll(() => state.changeRate).toBeNull();
}

const updates = (...sequences: number[]): ReplicaMessage => ({
  type: 'updates',
  updates: sequences.map((sequence) => ({ sequence, key: 'k', value: octets('v') })),
  mark: null,
});

describe('a rule that is broken ends the connection with the reason, and nothing of it is taken', () => {
  test.each<readonly [string, (sharer: RawSharer) => void, string]>([
    ['a number left out', (sharer) => sharer.say(updates(2)), 'update 2 follows 0'],
    ['a number left out in a frame', (sharer) => sharer.say(updates(1, 3)), 'update 3 follows 1'],
    [
      'a mark of the function',
      (sharer) =>
        sharer.say({ type: 'updates', updates: [], mark: { sequence: 0, keys: 0, digest: 0n, clockUs: 0 } }),
      'a mark is nothing that it has to say here',
    ],
    ['another message', (sharer) => sharer.say({ type: 'end', sequence: 1 }), 'end is nothing'],
    ['a second confirmation', (sharer) => sharer.confirm(0), 'ack is nothing'],
    ['a key without an octet', (sharer) => sharer.writeHex('00000005 05 00 01 00 01'), 'a key of 0 octets'],
    ['a frame that is too long', (sharer) => sharer.writeHex('00040000'), '262148 octets'],
    ['a type that is none', (sharer) => sharer.writeHex('00000001 63'), 'type 99'],
  ])('%s', async (_name, breakIt, reason) => {
    const sink = new FakeSink();
    const { fake, refused, sharer } = await sharing(sink);
    breakIt(sharer);
    expect((await fake.next('refused'))?.['reason']).toContain(reason);
    expect(refused).toMatchObject([{ code: 'protocol', message: expect.stringContaining(reason) as string }]);
    expect(sink.updates).toEqual([]);
    // The agent closes it.
    await sharer.hex(1);
  });

  test.each<readonly [string, (sharer: RawSharer) => void, string]>([
    ['a change before the confirmation', (sharer) => sharer.set(1, 'a', '1'), 'it changes the state before'],
    ['another number in the confirmation', (sharer) => sharer.confirm(5), 'it confirms 5, the mark is 0'],
  ])('%s', async (_name, breakIt, reason) => {
    const sink = new FakeSink();
    const { fake, refused, source } = await connected();
    const begun = source.begin([], sink, options);
    breakIt(await RawSharer.of(fake));
    await expect(begun).rejects.toMatchObject({
      code: 'protocol',
      message: expect.stringContaining(reason) as string,
    });
    expect((await fake.next('refused'))?.['reason']).toContain(reason);
    expect(refused).toHaveLength(1);
    expect(sink.updates).toEqual([]);
  });
});

test('a function that ends its connection for shared state has to come again', async () => {
  const { fake, sharer } = await sharing(new FakeSink());
  sharer.data.end();
  expect(await fake.next('refused')).toMatchObject({ reason: 'the connection for shared state ended' });
});

test('the slot cannot be had twice; one that says nothing is given up in time, and told so', async () => {
  const { fake, path, source, state } = await connected({ stallMs: 200, answerMs: 2_000 });
  const begun = source.begin([], new FakeSink(), options);
  await expect(source.begin([], new FakeSink(), options)).rejects.toMatchObject({ code: 'busy' });
  await expect(begun).rejects.toMatchObject({ code: 'not-answered' });
  expect(await fake.next('cancel')).not.toBeNull();
  const aborted = new AbortController();
  const again = source.begin([], new FakeSink(), { ...options, signal: aborted.signal });
  await fake.next('share');
  aborted.abort();
  await expect(again).rejects.toMatchObject({ code: 'aborted' });
  expect(await fake.next('cancel')).not.toBeNull();
  await gone(state, fake);
  const late = source.begin([], new FakeSink(), options);
  const next = new FakeFunction(path);
  next.say({ op: 'hello', v: 1, shares: true });
  expect(await next.next('welcome')).toMatchObject({ role: null });
  const sharer = await RawSharer.of(next);
  next.say({ id: sharer.id, ok: false, error: 'no memory' });
  await expect(late).rejects.toMatchObject({ code: 'refused', message: 'the function says: no memory' });
});

test('a function that does not close at the end is not waited for without bound', async () => {
  const sink = new FakeSink();
  const { refused, sharer, source } = await sharing(sink, { answerMs: 500 });
  sharer.set(1, 'a', '1');
  await sink.has(1);
  await source.end();
  expect(refused).toMatchObject([{ code: 'not-answered' }]);
  expect(sink.text()).toEqual({ a: '1' });
});

test('a function that comes again is given what the slot has before its role; one that shares no more is refused', async () => {
  const sink = new FakeSink();
  const { fake, path, refused, sharer, source, state } = await sharing(sink);
  const told = state.role('active', '7');
  fake.say({ id: Number((await fake.next('role'))?.['id']), ok: true });
  await told;
  sharer.set(1, 'a', '1');
  await sink.has(1);
  await gone(state, fake);
  const stranger = new FakeFunction(path);
  stranger.say({ op: 'hello', v: 1 });
  expect(await stranger.next('refused')).not.toBeNull();
  expect(refused).toHaveLength(1);
  const again = new FakeFunction(path);
  again.say({ op: 'hello', v: 1, shares: true });
  expect(await again.next('welcome')).toMatchObject({ role: null, epoch: null });
  const second = await RawSharer.of(again);
  expect(second.request).toMatchObject({ epoch: '7', own: true });
  expect(await second.hex(11)).toBe('000000070500' + '0101610231');
  second.confirm(1);
  again.say({ id: second.id, ok: true });
  expect(await again.next('role')).toMatchObject({ role: 'active', epoch: '7' });
  second.set(1, 'b', '2');
  await sink.has(2);
  const ended = source.end();
  second.data.end();
  await ended;
  expect(sink.text()).toEqual({ a: '1', b: '2' });
  again.socket.destroy();
  await source.end();
  await source.close();
});

test('a function that is to tell its state anew comes again, and says what it has of a value that was damaged', async () => {
  const sink = new FakeSink();
  const { fake, path, refused, sharer, source, state } = await sharing(sink);
  const told = state.role('active', '7');
  fake.say({ id: Number((await fake.next('role'))?.['id']), ok: true });
  await told;
  sharer.set(1, 'a', '1');
  await sink.has(1);
  sharer.set(2, 'b', '2');
  await sink.has(2);
  // What was damaged is not given.
  sink.state.delete('a');
  source.tellAnew?.();
  // As if the agent were gone: without a word.
  expect(await fake.next('refused')).toBeNull();
  const again = new FakeFunction(path);
  again.say({ op: 'hello', v: 1, shares: true });
  const second = await RawSharer.of(again);
  expect(second.request).toMatchObject({ epoch: '7', own: true });
  expect(await second.hex(11)).toBe('00000007' + '0500' + '0101620232');
  second.set(1, 'a', '1');
  second.confirm(1);
  again.say({ id: second.id, ok: true });
  expect(await again.next('role')).toMatchObject({ role: 'active', epoch: '7' });
  expect(sink.text()).toEqual({ a: '1', b: '2' });
  expect(refused).toEqual([]);
  await source.close();
});

describe('what the function does not tell is a fault', () => {
  async function clocked() {
    let nowMs = 0;
    let rate = 10;
    const sink = new FakeSink();
    const agent = await sharing(sink, {}, () => nowMs);
    /** Another connection of the function, which takes what the slot has. */
    const comeAgain = async (): Promise<RawSharer> => {
      const fake = new FakeFunction(agent.path);
      fake.say({ op: 'hello', v: 1, shares: true });
      const sharer = await RawSharer.of(fake);
      sharer.confirm(sink.state.size);
      fake.say({ id: sharer.id, ok: true }, { op: 'changes', bytesPerSecond: ++rate });
      await sharer.hex(17);
      await expect.poll(() => agent.state.changeRate).toBe(rate);
      return sharer;
    };
    const pass = (ms: number): void => {
      nowMs += ms;
    };
    return { ...agent, sink, comeAgain, pass, fault: () => agent.source.fault?.() ?? null };
  }

  test('while it is away for longer than it takes to come again', async () => {
    const { comeAgain, fake, fault, pass, sink, source, state } = await clocked();
    pass(60_000);
    expect([fault(), source.refusals?.()]).toEqual([null, 0]);
    await gone(state, fake);
    pass(2_999);
    const before = fault();
    pass(1);
    // The data socket stood open for as long as the other one: that is no refusal.
    expect([before, fault()]).toEqual([null, 'its function has not been connected for 3 s']);
    pass(4_000);
    const again = await comeAgain();
    again.set(1, 'a', '1');
    await sink.has(1);
    expect([fault(), source.refusals?.()]).toEqual([null, 0]);
    await source.close();
    expect(fault()).toBeNull();
  });

  test('for 10 s after a refusal, steadily where it comes and is refused in turn', async () => {
    const { comeAgain, fault, pass, refused, sharer, source } = await clocked();
    let now = sharer;
    for (let times = 1; times <= 4; times++) {
      now.writeHex('00040000');
      await now.hex(1);
      await expect.poll(() => refused.length).toBe(times);
      const often = times === 1 ? 'once' : `${times} times`;
      expect(fault()).toMatch(
        new RegExp(`^its function was refused \\(${often}\\): shared state: .*262148 octets`),
      );
      pass(2_000);
      now = await comeAgain();
      pass(7_999);
      expect(fault()).not.toBeNull();
    }
    pass(1);
    expect([fault(), source.refusals?.()]).toEqual([null, 4]);
  });

  test('when its changes have no room', async () => {
    const { fault, refused, sharer, sink } = await clocked();
    sink.isHolding = true;
    sharer.set(1, 'a', '1');
    await sink.has(1);
    sink.waiting[0]?.fail(new StateError('full', 'a key more than 1048576'));
    await expect.poll(() => refused.length).toBe(1);
    expect(fault()).toBe('its function was refused (once): its state was not taken: a key more than 1048576');
  });

  test('a stranger beside it is none; whoever comes in its place and is refused is', async () => {
    const { fake, fault, pass, path, refused, source, state } = await clocked();
    const come = async (line: Readonly<Record<string, unknown>>): Promise<void> => {
      const stranger = new FakeFunction(path);
      stranger.say(line);
      expect(await stranger.next('refused')).not.toBeNull();
    };
    await come({ op: 'hello', v: 1, shares: true });
    expect([refused.length, fault(), source.refusals?.()]).toEqual([1, null, 0]);
    await gone(state, fake);
    await come({ op: 'hello', v: 2, shares: true });
    await come({ op: 'hello', v: 1 });
    pass(20_000);
    expect([source.refusals?.(), fault()]).toEqual([
      2,
      'its function has not been connected for 20 s; its function was refused (2 times): it says no more that it shares its state, and holds a slot',
    ]);
  });

  test('that is connected again and does not take the state has its own words', async () => {
    const { fake, fault, pass, path, state } = await clocked();
    await gone(state, fake);
    const again = new FakeFunction(path);
    again.say({ op: 'hello', v: 1, shares: true });
    expect(await again.next('share')).not.toBeNull();
    pass(5_500);
    expect(fault()).toBe('its function has not had the state for 5 s');
  });
});

test('a slot that is lost while its function is gone ends at once, and the next one is given to who comes', async () => {
  const sink = new FakeSink();
  const { fake, path, source, state } = await sharing(sink);
  await gone(state, fake);
  await source.end();
  const next = await welcomed(path);
  const begun = source.begin(entriesOf({ a: '1' }), new FakeSink(), { ...options, epoch: '9' });
  const sharer = await RawSharer.of(next);
  expect(sharer.request).toMatchObject({ epoch: '9', own: false });
  sharer.confirm(1);
  next.say({ id: sharer.id, ok: true });
  await begun;
});

test('a sink without room holds the function back', async () => {
  const sink = new FakeSink();
  sink.isHolding = true;
  const { sharer } = await sharing(sink);
  const COUNT = 400;
  const value = 'x'.repeat(60_000);
  for (let sequence = 1; sequence <= COUNT; sequence += 1) sharer.set(sequence, `k${sequence}`, value);
  let most = 0;
  while (sink.updates.length < COUNT) {
    await sink.has(sink.updates.length + 1);
    most = Math.max(most, sink.waiting.length);
    // It goes on only because this settles.
    if (sink.waiting.length * 60_000 > 4 * 1_048_576 - 120_000) sink.settleAll();
  }
  sink.settleAll();
  // 4 MiB, and the frame that went beyond.
  expect(most).toBeLessThanOrEqual(Math.ceil((4 * 1_048_576) / 60_000) + 1);
  expect(most).toBeGreaterThan(60);
  expect(sink.state.size).toBe(COUNT);
});

test('a frame of very many small changes goes on in parts, in order', async () => {
  const sink = new FakeSink();
  sink.isHolding = true;
  const { sharer } = await sharing(sink);
  const COUNT = 20_000;
  const changes = Array.from({ length: COUNT }, (_, at) => ({
    sequence: at + 1,
    key: `${at % 7}`,
    value: octets(`${at}`),
  }));
  sharer.say({ type: 'updates', updates: changes, mark: null });
  while (sink.updates.length < COUNT) {
    await sink.has(sink.updates.length + 1);
    const sizes = sink.waiting.map(({ updates: some }) => some.length);
    expect(Math.max(0, ...sizes)).toBeLessThanOrEqual(4_096);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(3 * 4_096);
    if (sizes.length === 3) sink.settleAll();
  }
  expect(sink.updates.map(({ value }) => Buffer.from(value ?? []).toString())).toEqual(
    changes.map((_, at) => String(at)),
  );
});

test('what was read before the function was gone, and not given on by then, is not given on behind its back', async () => {
  const sink = new FakeSink();
  sink.isHolding = true;
  const { fake, path, sharer, state } = await sharing(sink);
  const from = (first: number): ReplicaMessage =>
    updates(...Array.from({ length: 3_000 }, (_, index) => first + index));
  // More than may be unsettled, and one that waits for room.
  sharer.say(from(1), from(3_001), from(6_001));
  sharer.set(9_001, 'late', '1');
  await sink.has(9_000);
  await gone(state, fake);
  const again = await welcomed(path);
  sink.settleAll();
  const second = await RawSharer.of(again);
  second.confirm(1);
  again.say({ id: second.id, ok: true });
  second.set(1, 'next', '2');
  await sink.has(9_001);
  expect(sink.text()).toEqual({ k: 'v', next: '2' });
});
