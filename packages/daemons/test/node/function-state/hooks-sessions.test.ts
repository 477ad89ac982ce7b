// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Hooks } from '@vnfpool/wire/mobility';
import { expect, onTestFinished, test, vi } from 'vitest';
import {
  type FunctionSessions,
  functionStateLimits,
  HooksFunctionState,
} from '../../../src/node/function-state/index.ts';
import { chunksOf, never, sink, temporaryFolder } from './fake-function.ts';

// Processes and deadlines: a busy machine may take its time.
vi.setConfig({ testTimeout: 30_000 });

/** Hooks as lines of shell, and what a function without sessions has. */
function hooks(lines: Readonly<Partial<Record<keyof Hooks, string>>>) {
  const commands = Object.fromEntries(
    Object.entries(lines).map(([hook, line]) => [hook, ['sh', '-c', line]]),
  );
  const state = new HooksFunctionState({
    name: 'kv#1',
    hooks: commands,
    folder: temporaryFolder(),
    format: 'kv/1',
    limits: functionStateLimits,
    environment: { PATH: process.env['PATH'] ?? '' },
    pid: () => 42,
  });
  onTestFinished(() => state.close());
  const log = (): string => readFileSync(join(state.environment['VNFPOOL_FOLDER'] ?? '', 'log'), 'utf8');
  return { state, sessions: state.movableSessions as FunctionSessions, log };
}

const NOTE = 'echo "$VNFPOOL_HOOK $VNFPOOL_SCOPE$VNFPOOL_SESSIONS$VNFPOOL_FORWARD" >> "$VNFPOOL_FOLDER/log"';
const able = {
  select: `${NOTE}; echo 3`,
  moved: NOTE,
  accept: `${NOTE}; echo 2`,
  discard: NOTE,
  quiesce: NOTE,
  resume: NOTE,
};

test('they are told what is meant, and asked for numbers and addresses', async () => {
  const { sessions, log } = hooks({ ...able, expect: `${NOTE}; echo 192.0.2.11 40100` });
  expect(await sessions.select([{ type: 'ratio', ratio: 0.3 }], never())).toBe(3);
  await sessions.quiesce(never());
  await sessions.moved({ address: '192.0.2.11', port: 40_100 });
  await sessions.moved(null);
  await sessions.resume();
  expect(await sessions.expect(never())).toEqual({ address: '192.0.2.11', port: 40_100 });
  expect(await sessions.accept()).toBe(2);
  await sessions.discard();
  expect(log().split('\n')).toEqual([
    'select [{"type":"ratio","ratio":0.3}]',
    'quiesce sessions',
    'moved 192.0.2.11 40100',
    'moved ',
    'resume sessions',
    'expect ',
    'accept ',
    'discard sessions',
    '',
  ]);
});

test('octets are those of sessions; without a hook for it no address is expected', async () => {
  const { state, sessions, log } = hooks({
    ...able,
    export: 'echo "$VNFPOOL_SCOPE $VNFPOOL_KIND"',
    import: `${NOTE}; cat > /dev/null`,
  });
  const [some, all] = [sink(), sink()];
  await sessions.select([{ type: 'all' }], never());
  await sessions.export('snapshot', some.write, never());
  await state.export('snapshot', all.write, never());
  expect([some.text(), all.text()]).toEqual(['sessions snapshot\n', ' snapshot\n']);
  expect(await sessions.expect(never())).toBeNull();
  await expect(sessions.import('delta', chunksOf('x'), never())).rejects.toMatchObject({
    code: 'out-of-sequence',
  });
  await sessions.import('snapshot', chunksOf('x'), never());
  expect(log()).toContain('import sessions\n');
});

test.each([
  ['select', 'no number', (sessions: FunctionSessions) => sessions.select([{ type: 'all' }], never())],
  ['expect', 'no address and port', (sessions: FunctionSessions) => sessions.expect(never())],
  ['accept', 'no number', (sessions: FunctionSessions) => sessions.accept()],
])('an answer of %s that is none is refused: %s', async (hook, why, ask) => {
  const { sessions } = hooks({ ...able, [hook]: 'echo "some 1 2"' });
  await expect(ask(sessions)).rejects.toMatchObject({
    code: 'protocol',
    message: expect.stringContaining(why) as string,
  });
});

test.each(['select', 'moved', 'accept', 'discard'] as const)(
  'without the hook %s no session can move',
  (missing) => {
    const { [missing]: _left, ...rest } = able;
    expect(hooks(rest).state.movableSessions).toBeNull();
    expect(hooks(able).state.movableSessions).not.toBeNull();
  },
);
