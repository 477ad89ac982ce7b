// SPDX-License-Identifier: Apache-2.0
import { execFileSync, spawn } from 'node:child_process';
import { constants, openSync } from 'node:fs';
import { join } from 'node:path';
import { exitOnFault, faultExitCode, onShutdown, watchParent } from '@vnfpool/runtime/lifecycle';
import { createLogger, silentLogger } from '@vnfpool/runtime/logging';
import { expect, onTestFinished, test, vi } from 'vitest';
import { temporaryFolder } from '../temporary-folder.ts';

function shutdown(drain: () => Promise<void>, boundMs = 10_000) {
  let exited: (code: number) => void = () => {};
  const exit = new Promise<number>((resolve) => {
    exited = resolve;
  });
  const handle = onShutdown({ logger: silentLogger, drain, boundMs, exit: (code) => exited(code) });
  onTestFinished(() => handle.dispose());
  return { handle, exit };
}

test('drains once and exits with 0', async () => {
  const drain = vi.fn(() => Promise.resolve());
  const { handle, exit } = shutdown(drain);
  handle.begin('test');
  handle.begin('again');
  expect(await exit).toBe(0);
  expect(drain).toHaveBeenCalledTimes(1);
});

test('exits with 1 when draining fails, or takes too long', async () => {
  const failing = shutdown(() => Promise.reject(new Error('x')));
  failing.handle.begin('test');
  expect(await failing.exit).toBe(1);
  const hanging = shutdown(() => new Promise(() => {}), 10);
  hanging.handle.begin('test');
  expect(await hanging.exit).toBe(1);
});

test('a signal drains, a second one does not wait', async () => {
  const { exit } = shutdown(() => new Promise(() => {}));
  process.emit('SIGTERM', 'SIGTERM');
  process.emit('SIGINT', 'SIGINT');
  expect(await exit).toBe(1);
});

test('a fault is logged with the state, then the process exits', () => {
  const lines: string[] = [];
  const logger = createLogger({ component: 'x', to: { write: (line: string) => void lines.push(line) } });
  const codes: number[] = [];
  const onFault = exitOnFault(
    logger,
    () => ({ pools: 3 }),
    (code) => codes.push(code),
  );
  onFault({ error: new Error('boom'), during: 'handle', subject: { type: 'message' }, pendingOutputs: 2 });
  expect(codes).toEqual([faultExitCode]);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    level: 'fatal',
    err: { message: 'boom' },
    state: { pools: 3 },
  });
});

test('notices that the parent is gone, by its pipe', async () => {
  // A named pipe whose writing end another process holds, as `vnfpool up` holds its daemons' pipes.
  const path = join(temporaryFolder(), 'pipe');
  execFileSync('mkfifo', [path]);
  const parent = spawn('sh', ['-c', 'exec 3>"$0"; echo ready; exec sleep 1000', path], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  onTestFinished(() => void parent.kill('SIGKILL'));
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  await new Promise((resolve) => {
    parent.stdout.once('data', resolve);
  });
  const gone = new Promise<string>((resolve) => {
    onTestFinished(watchParent(() => resolve('gone'), { VNFPOOL_PARENT_FD: String(fd) }));
  });
  const alive = new Promise<string>((resolve) => {
    setImmediate(() => resolve('alive'));
  });
  expect(await Promise.race([gone, alive])).toBe('alive');
  parent.kill('SIGKILL');
  expect(await gone).toBe('gone');
});

test('watches nothing when no descriptor is named, and refuses nonsense', () => {
  expect(() => watchParent(() => {}, {})()).not.toThrow();
  expect(() => watchParent(() => {}, { VNFPOOL_PARENT_FD: 'x' })).toThrow(RangeError);
});
