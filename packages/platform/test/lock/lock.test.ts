// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { takeLock } from '../../src/lock/index.ts';

test.skipIf(process.platform !== 'linux')('one holder at a time, let go at its end', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'lock-'));
  const path = join(directory, 'agent.lock');
  const lock = takeLock(path);
  expect(readFileSync(path, 'utf8')).toBe(`${process.pid}\n`);
  // Another opening of the same file conflicts even within one process.
  expect(() => takeLock(path)).toThrow(expect.objectContaining({ code: 'LOCKED' }));
  expect(() => takeLock(path)).toThrow(`locked by process ${process.pid}`);
  lock.release();
  lock.release();

  const holder = spawn('flock', [path, '-c', 'echo held; exec sleep 1000'], { detached: true });
  await new Promise((resolve) => holder.stdout.once('data', resolve));
  expect(() => takeLock(path)).toThrow(expect.objectContaining({ code: 'LOCKED' }));
  const ended = new Promise((resolve) => holder.once('close', resolve));
  process.kill(-(holder.pid ?? 0), 'SIGKILL');
  await ended;
  takeLock(path).release();
  rmSync(directory, { recursive: true });
  expect(() => takeLock(path)).toThrow(/ENOENT/);
});
