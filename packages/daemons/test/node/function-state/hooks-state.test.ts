// SPDX-License-Identifier: Apache-2.0
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readProcessStat } from '@vnfpool/platform/processes';
import type { Hooks } from '@vnfpool/wire/mobility';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  createFunctionState,
  type FunctionStateLimits,
  functionStateLimits,
  HooksFunctionState,
} from '../../../src/node/function-state/index.ts';
import { chunksOf, never, sink, temporaryFolder } from './fake-function.ts';

// Processes and deadlines: a busy machine may take its time.
vi.setConfig({ testTimeout: 30_000 });

/** Hooks as lines of shell; they share a folder with the test. */
function hooks(
  lines: Readonly<Partial<Record<keyof Hooks, string>>>,
  limits: Partial<FunctionStateLimits> = {},
) {
  const commands = Object.fromEntries(
    Object.entries(lines).map(([hook, line]) => [hook, ['sh', '-c', line]]),
  );
  const state = new HooksFunctionState({
    name: 'kv#1',
    hooks: commands,
    folder: temporaryFolder(),
    format: 'kv/1',
    limits: { ...functionStateLimits, ...limits },
    environment: { PATH: process.env['PATH'] ?? '', COLOUR: 'red' },
    pid: () => 42,
  });
  onTestFinished(() => state.close());
  return { state, folder: state.environment['VNFPOOL_FOLDER'] ?? '' };
}

test('hooks are told what it is about, in the order of the calls', async () => {
  const line =
    'echo "$VNFPOOL_HOOK $VNFPOOL_ROLE/$VNFPOOL_EPOCH $VNFPOOL_NAME $VNFPOOL_PID $COLOUR" >> "$VNFPOOL_FOLDER/log"';
  const { state, folder } = hooks({ role: line, quiesce: line, resume: line, discard: line });
  const told = state.role('active', '7');
  await Promise.all([told, state.quiesce(never()), state.resume(), state.discard()]);
  expect(readFileSync(join(folder, 'log'), 'utf8').split('\n')).toEqual([
    'role active/7 kv#1 42 red',
    'quiesce active/7 kv#1 42 red',
    'resume active/7 kv#1 42 red',
    'discard active/7 kv#1 42 red',
    '',
  ]);
  expect(state).toMatchObject({ format: 'kv/1', changeRate: null });
});

test('an export is what the hook writes; an import is what it reads', async () => {
  const { state, folder } = hooks({
    export: 'echo "$VNFPOOL_KIND $VNFPOOL_FORMAT"; head -c 300000 /dev/zero | tr "\\0" x',
    import: 'cat > "$VNFPOOL_FOLDER/$VNFPOOL_KIND"',
  });
  const { text, write } = sink();
  expect(await state.export('snapshot', write, never())).toEqual({ bytes: 300_014 });
  expect(text()).toBe(`snapshot kv/1\n${'x'.repeat(300_000)}`);
  await state.import('snapshot', chunksOf('x'), never());
  await state.import('last', chunksOf('ab', '', 'c'.repeat(200_000)), never());
  expect(readFileSync(join(folder, 'last'), 'utf8')).toBe(`ab${'c'.repeat(200_000)}`);
  expect(readdirSync(folder)).toEqual(['last', 'snapshot']);
});

test('hooks that are not there: no harm, but for those that carry state', async () => {
  const { state } = hooks({});
  await state.role('spare', '1');
  await state.quiesce(never());
  await expect(state.export('snapshot', sink().write, never())).rejects.toMatchObject({
    code: 'unsupported',
  });
  await expect(state.import('snapshot', chunksOf('a'), never())).rejects.toMatchObject({
    code: 'unsupported',
  });
});

describe('a hook that', () => {
  test('fails has its words in the error', async () => {
    const { state } = hooks({ export: 'echo half; echo "disk full" >&2; exit 3' });
    await expect(state.export('snapshot', sink().write, never())).rejects.toMatchObject({
      code: 'refused',
      message: 'hook export: exit code 3: disk full',
    });
  });

  test('is killed, or is no program', async () => {
    const { state } = hooks({ resume: 'kill -KILL $$' });
    await expect(state.resume()).rejects.toMatchObject({ message: 'hook resume: killed by SIGKILL' });
    const missing = new HooksFunctionState({
      name: 'kv#1',
      hooks: { export: ['/nonexistent/program'] },
      folder: temporaryFolder(),
      format: null,
      limits: functionStateLimits,
      environment: {},
      pid: () => null,
    });
    await expect(missing.export('snapshot', sink().write, never())).rejects.toMatchObject({
      code: 'refused',
    });
  });

  test('never ends is ended with all that it started', async () => {
    const { state, folder } = hooks(
      { role: 'sleep 600 & echo $! > "$VNFPOOL_FOLDER/child"; wait' },
      // Long enough to write down who is to be killed.
      { answerMs: 3_000 },
    );
    await expect(state.role('active', '1')).rejects.toMatchObject({ code: 'not-answered' });
    const child = Number(readFileSync(join(folder, 'child'), 'utf8'));
    await expect.poll(() => readProcessStat(child)?.state ?? 'Z').toBe('Z');
  });

  test('writes no octet, or writes without end', async () => {
    const silent = hooks({ export: 'exec sleep 600' }, { stallMs: 60 }).state;
    await expect(silent.export('snapshot', sink().write, never())).rejects.toMatchObject({
      code: 'not-answered',
    });
    const endless = hooks({ export: 'cat /dev/zero' }, { bytesMax: 1_000_000 }).state;
    await expect(endless.export('snapshot', async () => undefined, never())).rejects.toMatchObject({
      code: 'too-large',
    });
  });

  test('leaves a process behind that holds its output ends nevertheless, and so does that process', async () => {
    const { state } = hooks({ export: 'sleep 600 & echo $!' });
    const { text, write } = sink();
    await state.export('snapshot', write, never());
    await expect.poll(() => readProcessStat(Number(text()))?.state ?? 'Z').toBe('Z');
  });
});

test('an import that breaks off never starts the hook; nor does one that is too large', async () => {
  const { state, folder } = hooks({ import: 'touch "$VNFPOOL_FOLDER/began"' }, { bytesMax: 10 });
  const broken = async function* () {
    yield Buffer.from('half');
    throw new Error('the channel broke');
  };
  await expect(state.import('snapshot', broken(), never())).rejects.toThrow('the channel broke');
  await expect(state.import('snapshot', chunksOf('x'.repeat(11)), never())).rejects.toMatchObject({
    code: 'too-large',
  });
  expect(existsSync(join(folder, 'began'))).toBe(false);
  await state.import('snapshot', chunksOf('x'), never());
  expect(readdirSync(folder)).toEqual(['began']);
});

test('what the caller gives up ends the hook; one at a time', async () => {
  const { state } = hooks({ export: 'echo x; exec sleep 600' });
  const stop = new AbortController();
  const came: Uint8Array[] = [];
  const exported = state.export(
    'snapshot',
    async (chunk) => {
      came.push(chunk);
      stop.abort('enough');
    },
    stop.signal,
  );
  await expect(state.export('snapshot', sink().write, never())).rejects.toMatchObject({ code: 'busy' });
  await expect(exported).rejects.toMatchObject({ code: 'aborted', cause: 'enough' });
  expect(came).toHaveLength(1);
});

test('closing ends hooks and takes the folder away', async () => {
  const { state, folder } = hooks({ quiesce: 'exec sleep 600' });
  const quiesced = state.quiesce(never());
  await Promise.all([expect(quiesced).rejects.toMatchObject({ code: 'closed' }), state.close()]);
  expect(existsSync(folder)).toBe(false);
});

describe('by its specification a function has', () => {
  const plain = { v: 1, kind: 'process', command: ['/bin/kv'] } as const;
  const create = async (more: object) => {
    const folder = temporaryFolder();
    const state = await createFunctionState({
      specification: { ...plain, ...more },
      name: 'kv#1',
      folder,
      environment: { PATH: process.env['PATH'] ?? '' },
      fill: (text) => text.replaceAll('{port}', '7'),
      pid: () => null,
    });
    onTestFinished(async () => state?.close());
    return state;
  };

  test('nothing', async () => expect(await create({})).toBeNull());

  test('a socket, for its state or for its word on its health', async () => {
    const state = await create({ state: { via: 'socket', format: 'kv/1' } });
    expect(state?.format).toBe('kv/1');
    expect(existsSync(state?.environment['VNFPOOL_SOCKET'] ?? '')).toBe(true);
    const check = { type: 'function', intervalMs: 1, timeoutMs: 1, rise: 1, fall: 1 };
    expect((await create({ health: check }))?.environment).toHaveProperty('VNFPOOL_SOCKET');
  });

  test('hooks, filled in', async () => {
    const state = await create({ hooks: { export: ['echo', 'at {port}'] } });
    const { text, write } = sink();
    await state?.export('snapshot', write, never());
    expect(text()).toBe('at 7\n');
  });

  test('a folder with a long path: its socket is elsewhere', async () => {
    const folder = join(temporaryFolder(), 'x'.repeat(120));
    const state = await createFunctionState({
      specification: { ...plain, state: { via: 'socket' } },
      name: 'kv#1',
      folder,
      environment: {},
      fill: (text) => text,
      pid: () => null,
    });
    onTestFinished(async () => state?.close());
    const path = state?.environment['VNFPOOL_SOCKET'] ?? '';
    expect(Buffer.byteLength(path)).toBeLessThan(100);
    expect(existsSync(path)).toBe(true);
  });
});

test('a hook cannot be started with what is no text for a system: refused', async () => {
  const { state } = hooks({ role: 'true\0' });
  await expect(state.role('active', '1')).rejects.toMatchObject({ code: 'refused' });
});

test('a delta needs what it continues: not after a failure, resume or discard', async () => {
  const { state, folder } = hooks({
    export: 'test ! -e "$VNFPOOL_FOLDER/broken"',
    import: 'cat > /dev/null',
  });
  const exported = (kind: 'snapshot' | 'delta') => state.export(kind, sink().write, never());
  const outOfSequence = { code: 'out-of-sequence' };
  await expect(exported('delta')).rejects.toMatchObject(outOfSequence);
  await exported('snapshot');
  await exported('delta');
  writeFileSync(join(folder, 'broken'), '');
  await expect(exported('delta')).rejects.toMatchObject({ code: 'refused' });
  rmSync(join(folder, 'broken'));
  await expect(exported('delta')).rejects.toMatchObject(outOfSequence);
  await exported('snapshot');
  await state.resume();
  await expect(exported('delta')).rejects.toMatchObject(outOfSequence);
  await state.import('snapshot', chunksOf('a'), never());
  await state.import('delta', chunksOf('a'), never());
  await state.discard();
  await expect(state.import('last', chunksOf('a'), never())).rejects.toMatchObject(outOfSequence);
});
