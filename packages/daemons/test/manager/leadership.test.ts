// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@vnfpool/runtime/logging';
import type { SupersededError } from '@vnfpool/store';
import { expect, onTestFinished, test } from 'vitest';
import { lead, type Standby } from '../../src/manager/leadership.ts';

const onLinux = { skip: process.platform !== 'linux', timeout: 60_000 };

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'vnfpool-lead-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

function start(at: string, standby: Standby | null, superseded: SupersededError[] = []) {
  return lead({
    folder: at,
    standby,
    store: {},
    logger: silentLogger,
    onSuperseded: (error) => void superseded.push(error),
  });
}

const WAITS = { endSilentMs: null };

test(
  'one leads; another one fails, or waits as a standby until it has let go, with a higher term',
  onLinux,
  async () => {
    const at = folder();
    const first = await start(at, null);
    expect(first.term).toBe(1n);
    await expect(start(at, null)).rejects.toMatchObject({ code: 'LOCKED' });
    let leads = 0;
    const waiting = [start(at, WAITS), start(at, WAITS)].map(async (each) => {
      const leadership = await each;
      leads += 1;
      return leadership;
    });
    await first.store.write([{ table: 'counters', key: 'node', value: 7 }]);
    expect(leads).toBe(0);
    await first.close();
    const second = await Promise.race(waiting);
    expect([second.term, leads]).toEqual([2n, 1]);
    expect(await second.store.get('counters', 'node')).toBe(7);
    await second.close();
    const third = (await Promise.all(waiting)).find(({ term }) => term === 3n);
    await third?.close();
    expect(third).toBeDefined();
  },
);

test(
  'whoever leads without the lock, as somebody took its file away, is superseded at its next write',
  onLinux,
  async () => {
    const at = folder();
    const told: SupersededError[] = [];
    const first = await start(at, null, told);
    rmSync(`${at}/manager.lock`);
    const second = await start(at, null);
    await expect(first.store.write([{ table: 'counters', key: 'node', value: 7 }])).rejects.toMatchObject({
      code: 'SUPERSEDED',
    });
    first.confirm();
    await expect.poll(() => told.length).toBe(2);
    await second.store.confirm();
    await second.close();
    await first.close();
  },
);

test('a leader that gives no sign of life is ended where that is asked for', onLinux, async () => {
  const at = folder();
  const path = `${at}/manager.lock`;
  // It holds the lock and never gives a sign; its child does not hold it.
  const holder = spawn('flock', ['-o', path, 'sh', '-c', 'echo held; exec sleep 1000'], { detached: true });
  const ended = new Promise((resolve) => holder.once('exit', (_, signal) => resolve(signal)));
  await new Promise((resolve) => holder.stdout.once('data', resolve));
  onTestFinished(() => void process.kill(-(holder.pid ?? 0), 'SIGKILL'));
  writeFileSync(path, `${holder.pid}\n`);
  await expect(start(at, null)).rejects.toThrow(`locked by process ${holder.pid}`);
  const leadership = await start(at, { endSilentMs: 300 });
  expect(await ended).toBe('SIGKILL');
  await leadership.store.confirm();
  await leadership.close();
});
