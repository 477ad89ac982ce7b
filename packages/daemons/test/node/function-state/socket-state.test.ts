// SPDX-License-Identifier: Apache-2.0
import { readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { blocks, chunksOf, FakeFunction, listen, never, sink, textOf } from './fake-function.ts';

// Processes and deadlines: a busy machine may take its time.
vi.setConfig({ testTimeout: 30_000 });

test('a function is welcomed, told its role, and answers', async () => {
  const { state, path } = await listen();
  const fake = new FakeFunction(path);
  fake.say({ op: 'hello', v: 1, format: 'kv/1' });
  expect(await fake.next('welcome')).toEqual({ op: 'welcome', v: 1, name: 'kv#1', role: null, epoch: null });
  expect(state.format).toBe('kv/1');
  const told = state.role('active', '9');
  expect(await fake.next('role')).toEqual({ id: 1, op: 'role', role: 'active', epoch: '9' });
  fake.say({ id: 1, ok: true });
  await told;
  const quiesced = state.quiesce(never());
  fake.say({ id: Number((await fake.next('quiesce'))?.['id']), ok: false, error: 'not now' });
  await expect(quiesced).rejects.toMatchObject({ code: 'refused', message: 'the function says: not now' });
});

test('a role that was told before the function connected is in its welcome, and the call waits for it', async () => {
  const { state, path } = await listen();
  const told = state.role('standby', '3');
  const fake = new FakeFunction(path);
  fake.say({ op: 'hello', v: 1 });
  expect(await fake.next('welcome')).toMatchObject({ role: 'standby', epoch: '3' });
  fake.say({ id: Number((await fake.next('role'))?.['id']), ok: true });
  await told;
});

test('a function that comes again after its death is told its role', async () => {
  const { state, path } = await listen();
  const first = await FakeFunction.welcomed(path);
  const told = state.role('active', '4');
  await first.next('role');
  first.socket.destroy();
  await expect(told).rejects.toMatchObject({ code: 'ended' });
  const second = new FakeFunction(path);
  second.say({ op: 'hello', v: 1 });
  expect(await second.next('welcome')).toMatchObject({ role: 'active', epoch: '4' });
});

test('its word on changes and health counts; it is forgotten with the connection', async () => {
  const { state, path, health } = await listen();
  expect(state.changeRate).toBeNull();
  const fake = await FakeFunction.welcomed(path);
  fake.say({ op: 'changes', bytesPerSecond: 120 }, { op: 'health', ok: false, reason: 'no peers' });
  await expect.poll(() => state.changeRate).toBe(120);
  expect(health).toEqual([{ ok: false, reason: 'no peers' }]);
  fake.socket.destroy();
  await expect.poll(() => state.changeRate).toBeNull();
});

describe('octets', () => {
  test('of an export come in order, and are held back while they are written', async () => {
    const { state, path } = await listen();
    const fake = await FakeFunction.welcomed(path);
    const { text, write } = sink();
    const exported = state.export('snapshot', write, never());
    const { id, data } = await fake.transfer('export');
    data.write(blocks('one', 'two'));
    data.end(blocks('x'.repeat(300_000), ''));
    fake.say({ id, ok: true });
    expect(await exported).toEqual({ bytes: 300_006 });
    expect(text()).toBe(`onetwo${'x'.repeat(300_000)}`);
  });

  test('of an import are blocks with an end; nothing counts before the answer', async () => {
    const { state, path } = await listen();
    const fake = await FakeFunction.welcomed(path);
    let done = false;
    const imported = state.import('snapshot', chunksOf('ab', '', 'c'), never()).then(() => {
      done = true;
    });
    const { id, data } = await fake.transfer('import');
    expect(await textOf(data)).toBe('\0\0\0\x02ab\0\0\0\x01c\0\0\0\0');
    expect(done).toBe(false);
    fake.say({ id, ok: true });
    await imported;
  });

  test('leave no socket behind', async () => {
    const { state, path } = await listen();
    const fake = await FakeFunction.welcomed(path);
    const exported = state.export('snapshot', sink().write, never());
    const { id, data } = await fake.transfer('export');
    data.end(blocks(''));
    fake.say({ id, ok: true });
    expect(await exported).toEqual({ bytes: 0 });
    expect(readdirSync(dirname(path))).toEqual(['s']);
  });

  test('a second transfer beside one is refused; a role is told in between', async () => {
    const { state, path } = await listen();
    const fake = await FakeFunction.welcomed(path);
    const exported = state.export('snapshot', sink().write, never());
    const { id, data } = await fake.transfer('export');
    await expect(state.import('snapshot', chunksOf('a'), never())).rejects.toMatchObject({ code: 'busy' });
    const told = state.role('spare', '1');
    fake.say({ id: Number((await fake.next('role'))?.['id']), ok: true });
    await told;
    data.end(blocks('a', ''));
    fake.say({ id, ok: true });
    expect(await exported).toEqual({ bytes: 1 });
  });
});

describe('a function that', () => {
  // Long enough for a busy machine to answer where an answer is due.
  const soon = { answerMs: 500, stallMs: 300, applyMs: 300 };

  test('never connects', async () => {
    const { state } = await listen(soon);
    await expect(state.quiesce(never())).rejects.toMatchObject({ code: 'not-connected' });
    await expect(state.export('snapshot', sink().write, never())).rejects.toMatchObject({
      code: 'not-connected',
    });
  });

  test('never says hello', async () => {
    const { path, refused } = await listen(soon);
    const fake = new FakeFunction(path);
    expect(await fake.next('refused')).toMatchObject({ reason: 'a connection said no hello within 500 ms' });
    expect(await fake.next('')).toBeNull();
    expect(refused).toMatchObject([{ code: 'not-answered' }]);
  });

  test('never answers, is told that the request is given up; its late answer is no harm', async () => {
    const { state, path } = await listen(soon);
    const fake = await FakeFunction.welcomed(path);
    await expect(state.resume()).rejects.toMatchObject({ code: 'not-answered' });
    expect(await fake.next('cancel')).toEqual({ op: 'cancel', id: 1 });
    fake.say({ id: 1, ok: true });
    const discarded = state.discard();
    fake.say({ id: Number((await fake.next('discard'))?.['id']), ok: true });
    await discarded;
  });

  test('never comes for its data, or comes and says nothing', async () => {
    const { state, path } = await listen(soon);
    const fake = await FakeFunction.welcomed(path);
    await expect(state.export('snapshot', sink().write, never())).rejects.toMatchObject({
      code: 'not-answered',
    });
    await fake.next('export');
    const exported = state.export('snapshot', sink().write, never());
    await fake.transfer('export');
    await expect(exported).rejects.toMatchObject({ code: 'not-answered' });
  });

  test('takes no octet of an import', async () => {
    const { state, path } = await listen(soon);
    const fake = await FakeFunction.welcomed(path);
    const imported = state.import('snapshot', chunksOf('x'.repeat(4_000_000)), never());
    const { data } = await fake.transfer('import');
    data.pause();
    await expect(imported).rejects.toMatchObject({ code: 'not-answered' });
  });

  test('takes all octets and does not answer', async () => {
    const { state, path } = await listen(soon);
    const fake = await FakeFunction.welcomed(path);
    const imported = state.import('snapshot', chunksOf('x'), never());
    const { data } = await fake.transfer('import');
    data.resume();
    await expect(imported).rejects.toMatchObject({ code: 'not-answered' });
  });

  test('dies in the middle of an export', async () => {
    const { state, path } = await listen();
    const fake = await FakeFunction.welcomed(path);
    const exported = state.export('snapshot', sink().write, never());
    const { data } = await fake.transfer('export');
    data.write(blocks('half'), () => {
      data.destroy();
      fake.socket.destroy();
    });
    await expect(exported).rejects.toMatchObject({ code: 'ended' });
  });

  test('ends its octets without their end, though it says that all is well', async () => {
    const { state, path } = await listen({ answerMs: 500 });
    const fake = await FakeFunction.welcomed(path);
    const exported = state.export('snapshot', sink().write, never());
    const { id, data } = await fake.transfer('export');
    data.end(blocks('half'));
    fake.say({ id, ok: true });
    await expect(exported).rejects.toMatchObject({ code: 'ended' });
  });

  test('breaks off and says why: its words are told', async () => {
    const { state, path } = await listen();
    const fake = await FakeFunction.welcomed(path);
    const exported = state.export('snapshot', sink().write, never());
    const { id, data } = await fake.transfer('export');
    data.end(blocks('half'), () => fake.say({ id, ok: false, error: 'disk full' }));
    await expect(exported).rejects.toMatchObject({
      code: 'refused',
      message: 'the function says: disk full',
    });
    const imported = state.import('snapshot', chunksOf('x'.repeat(4_000_000)), never());
    const second = await fake.transfer('import');
    second.data.destroy();
    fake.say({ id: second.id, ok: false, error: 'unknown format' });
    await expect(imported).rejects.toMatchObject({ code: 'refused' });
  });

  test.each([
    ['a block that is too long', Buffer.from('ffffffff', 'hex')],
    ['octets behind the end', blocks('', 'x')],
  ])('exports %s', async (_name, octets) => {
    const { state, path } = await listen();
    const fake = await FakeFunction.welcomed(path);
    const exported = state.export('snapshot', sink().write, never());
    const { data } = await fake.transfer('export');
    data.write(octets);
    await expect(exported).rejects.toMatchObject({ code: 'protocol' });
    expect(await fake.next('cancel')).toBeTruthy();
  });

  test('exports without end', async () => {
    const { state, path } = await listen({ bytesMax: 1_000_000 });
    const fake = await FakeFunction.welcomed(path);
    const exported = state.export('snapshot', sink().write, never());
    const { data } = await fake.transfer('export');
    const more = (): void => {
      if (!data.destroyed) data.write(blocks('x'.repeat(60_000)), more);
    };
    more();
    await expect(exported).rejects.toMatchObject({ code: 'too-large' });
  });

  test.each([
    ['no JSON', '{"op":\n', 'not JSON'],
    ['no text', Buffer.of(0x7b, 0xff, 0x7d, 0x0a), 'not understood'],
    ['a line without end', 'x'.repeat(70_000), 'at most 65536 octets'],
    ['an answer to what was not asked', '{"id":7,"ok":true}\n', 'request 7'],
    ['hello twice', '{"op":"hello","v":1}\n', 'hello was said before'],
    ['too many lines', '{"op":"changes","bytesPerSecond":1}\n'.repeat(20_000), '1000 lines a second'],
  ])('says %s is refused with the reason, and what was asked of it fails', async (_name, line, reason) => {
    const { state, path, refused } = await listen();
    const fake = await FakeFunction.welcomed(path);
    const told = state.role('active', '1');
    await fake.next('role');
    fake.socket.write(line);
    await expect(told).rejects.toMatchObject({ code: 'protocol', message: expect.stringContaining(reason) });
    expect((await fake.next('refused'))?.['reason']).toContain(reason);
    expect(refused).toHaveLength(1);
    // The door stays open for a better one.
    await FakeFunction.welcomed(path);
  });

  test.each([
    ['another version', { op: 'hello', v: 2 }, 'version 2 is not understood'],
    ['another format', { op: 'hello', v: 1, format: 'sql/1' }, 'the format is sql/1'],
    ['something else first', { op: 'changes', bytesPerSecond: 1 }, 'the first line is not hello'],
  ])('begins with %s', async (_name, line, reason) => {
    const { path } = await listen({}, 'kv/1');
    const fake = new FakeFunction(path);
    fake.say(line);
    expect((await fake.next('refused'))?.['reason']).toContain(reason);
  });

  test('connects twice keeps its first connection', async () => {
    const { state, path } = await listen();
    const first = await FakeFunction.welcomed(path);
    const second = new FakeFunction(path);
    second.say({ op: 'hello', v: 1 });
    expect((await second.next('refused'))?.['reason']).toContain('another connection');
    const resumed = state.resume();
    first.say({ id: Number((await first.next('resume'))?.['id']), ok: true });
    await resumed;
  });

  test('is asked too much at once', async () => {
    const { state, path } = await listen({ answerMs: 500 });
    await FakeFunction.welcomed(path);
    const asked = await Promise.allSettled(Array.from({ length: 40 }, () => state.resume()));
    const codes = asked.map((each) =>
      each.status === 'rejected' ? (each.reason as { code: string }).code : '',
    );
    expect(codes.filter((code) => code === 'not-answered')).toHaveLength(16);
    expect(codes.filter((code) => code === 'busy')).toHaveLength(24);
  });
});

test('what the caller gives up is cancelled, whoever has the turn', async () => {
  const { state, path } = await listen();
  const fake = await FakeFunction.welcomed(path);
  const stop = new AbortController();
  const stuck = (): Promise<void> => new Promise(() => undefined);
  const exported = state.export('snapshot', stuck, stop.signal);
  const { id, data } = await fake.transfer('export');
  data.write(blocks('x'));
  stop.abort('enough');
  await expect(exported).rejects.toMatchObject({ code: 'aborted', cause: 'enough' });
  expect(await fake.next('cancel')).toEqual({ op: 'cancel', id });

  const later = new AbortController();
  const endless: AsyncIterable<Uint8Array> = { [Symbol.asyncIterator]: () => ({ next: stuck as never }) };
  const imported = state.import('snapshot', endless, later.signal);
  const second = await fake.transfer('import');
  const came = textOf(second.data).catch(() => '');
  later.abort();
  await expect(imported).rejects.toMatchObject({ code: 'aborted' });
  // No end was sent: an import that broke off cannot be taken for a whole one.
  expect(await came).toBe('');
});

test('a source of an import that fails is no end of it, and its error is told', async () => {
  const { state, path } = await listen();
  const fake = await FakeFunction.welcomed(path);
  const broken = async function* () {
    yield Buffer.from('half');
    throw new Error('the channel broke');
  };
  const imported = state.import('snapshot', broken(), never());
  const { data } = await fake.transfer('import');
  await Promise.all([
    expect(imported).rejects.toThrow('the channel broke'),
    expect(textOf(data).catch(() => 'cut')).resolves.not.toContain('\0\0\0\0'),
  ]);
});

test('closing ends what is under way, and leaves nothing', async () => {
  const { state, path } = await listen();
  const fake = await FakeFunction.welcomed(path);
  const exported = state.export('snapshot', sink().write, never());
  await fake.next('export');
  await Promise.all([expect(exported).rejects.toMatchObject({ code: 'closed' }), state.close()]);
  expect(() => readdirSync(dirname(path))).toThrow();
});

test('a delta needs what it continues: not after a failure, resume, discard or a new connection', async () => {
  const { state, path } = await listen();
  let fake = await FakeFunction.welcomed(path);
  const outOfSequence = { code: 'out-of-sequence' };
  const moved = async (kind: 'snapshot' | 'delta' | 'last') => {
    const exported = state.export(kind, sink().write, never());
    const { id, data } = await fake.transfer('export');
    data.end(blocks(''));
    fake.say({ id, ok: true });
    await exported;
  };
  const done = async (op: string, asked: Promise<void>) => {
    fake.say({ id: Number((await fake.next(op))?.['id']), ok: true });
    await asked;
  };
  const refused = () =>
    expect(state.export('delta', sink().write, never())).rejects.toMatchObject(outOfSequence);
  await refused();
  await moved('snapshot');
  await moved('delta');
  await moved('last');
  await done('resume', state.resume());
  await refused();
  await moved('snapshot');
  const imported = state.import('snapshot', chunksOf('x'), never());
  const { id, data } = await fake.transfer('import');
  data.resume();
  fake.say({ id, ok: false, error: 'no' });
  await expect(imported).rejects.toMatchObject({ code: 'refused' });
  await expect(state.import('delta', chunksOf('x'), never())).rejects.toMatchObject(outOfSequence);
  await moved('delta');
  await done('discard', state.discard());
  await refused();
  await moved('snapshot');
  const told = state.role('active', '1');
  await fake.next('role');
  fake.socket.destroy();
  await expect(told).rejects.toMatchObject({ code: 'ended' });
  fake = await FakeFunction.welcomed(path);
  await refused();
});

test('a function that its agent leaves to the next one is not refused; one that is stopped is', async () => {
  const left = await listen();
  const fake = await FakeFunction.welcomed(left.path);
  await left.state.close(true);
  expect(await fake.next('refused')).toBeNull();
  const ended = await listen();
  const other = await FakeFunction.welcomed(ended.path);
  await ended.state.close();
  expect(await other.next('refused')).toMatchObject({ reason: 'the agent is done' });
});
