// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SetConfiguration } from '@vnfpool/wire/mobility';
import { expect, test } from 'vitest';
import { FenceHook } from '../../src/node/fence-hook.ts';

function hook(command: readonly string[], timeoutMs = 30_000): FenceHook {
  const made = new FenceHook();
  const peer = { address: '10.0.0.2', port: 1, key: '', fence: 'none' as const };
  made.configure({
    v: 1,
    set: 'edge',
    councils: [{ id: 1, version: { generation: 1, number: 1, randomId: '00000000000000c0' }, members: [1] }],
    nodes: [{ node: 2, name: 'node-b', ...peer }],
    slots: [],
    registrars: [],
    fenceHook: { command, timeoutMs },
  } satisfies SetConfiguration);
  return made;
}

test('a command that ends with 0 has switched the node off; it is told its name', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vnfpool-hook-'));
  const file = join(folder, 'said');
  const made = hook(['sh', '-c', `echo "$1" >> ${file}; sleep 0.05`, 'off']);
  // Two slots wait for the same node: it runs once.
  const both = await Promise.all([made.switchOff(2), made.switchOff(2)]);
  expect(both).toEqual([
    { isOff: true, reason: '' },
    { isOff: true, reason: '' },
  ]);
  expect(readFileSync(file, 'utf8')).toBe('node-b\n');
  await made.switchOff(2);
  expect(readFileSync(file, 'utf8')).toBe('node-b\nnode-b\n');
  rmSync(folder, { recursive: true });
});

test.each([
  {
    what: 'fails',
    command: ['sh', '-c', 'echo no such plug; exit 3'],
    reason: 'sh ended with 3: no such plug',
  },
  { what: 'is not there', command: ['/nowhere/off'], reason: /nowhere|127/ },
  { what: 'hangs', command: ['sh', '-c', 'sleep 60'], timeoutMs: 50, reason: 'sh took longer than 50 ms' },
])('a command that $what has not', async ({ command, timeoutMs, reason }) => {
  const outcome = await hook(command, timeoutMs).switchOff(2);
  expect(outcome.isOff).toBe(false);
  expect(outcome.reason).toMatch(reason);
});

test('a node that nobody knows, or no command, is not off', async () => {
  expect(await hook(['true']).switchOff(7)).toEqual({ isOff: false, reason: 'node 7 is in the set no more' });
  expect((await new FenceHook().switchOff(2)).isOff).toBe(false);
});
