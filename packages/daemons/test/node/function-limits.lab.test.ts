// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { functionId } from '@vnfpool/core';
import { openFunctionGroups } from '@vnfpool/platform/cgroups';
import { isAlive, readProcessStat } from '@vnfpool/platform/processes';
import { ntpToUnixMs } from '@vnfpool/wire/mobility';
import { afterAll, describe, expect, test } from 'vitest';
import { BESIDE, createHost, ID, patient, refusedAt, removeBeside, testLimits } from './limit-cases.ts';

// Groups of this machine, as this user may use them.
const probe = await openFunctionGroups({ label: `probe-${randomBytes(4).toString('hex')}`, where: 'auto' });
const noGroups = probe.way === 'proc' ? ` [${probe.description}]` : '';
await probe.close();

const where = (await refusedAt('auto', { memoryBytes: 32 << 20 })) === '' ? 'auto' : BESIDE;
describe(`limits by groups at ${where === 'auto' ? 'our own' : 'one beside it'}`, async () => {
  await testLimits(where);
});
afterAll(removeBeside);

/** Ignores SIGTERM, as does its child in a session of its own, whose parent has ended. */
const STUBBORN =
  'trap \'\' TERM; (setsid sh -c \'trap "" TERM; echo $$ > "$1"; while :; do sleep 1; done\' sh "$1" &); while :; do sleep 1; done';

for (const where of ['auto', 'none'] as const) {
  const skip = where === 'auto' ? noGroups : '';
  test.skipIf(skip !== '')(
    `groups ${where}: a function that ignores SIGTERM is ended with the child that left it${skip}`,
    async () => {
      const { folder, start, stop, exits } = await createHost(where);
      const file = `${folder}/child`;
      await start(STUBBORN, undefined, [file]);
      const pid = () => {
        try {
          return Number(readFileSync(file, 'utf8'));
        } catch {
          return 0;
        }
      };
      await expect.poll(pid, patient).toBeGreaterThan(1);
      const child = readProcessStat(pid());
      expect(child).toBeDefined();
      await stop(100);
      expect(exits()).toMatchObject([{ reason: 'killed by SIGKILL' }]);
      await expect.poll(() => child !== undefined && isAlive(child), patient).toBe(false);
    },
  );
}

test('a limit that this node cannot enforce: refused beforehand, and never run without', async () => {
  const { host, start, exits } = await createHost('none');
  expect(host.refusal({})).toBeNull();
  expect(host.refusal({ limits: {} })).toBeNull();
  expect(host.refusal({ limits: { bandwidthBps: 1_000_000 } })).toContain('limit not enforceable: bandwidth');
  expect(host.refusal({ limits: { processes: 5 } })).toContain('limit not enforceable: processes');
  // /proc follows; it cannot bound.
  await start('exit 0', { processes: 5 });
  expect(exits()).toMatchObject([{ reason: expect.stringContaining('limit not enforceable: processes') }]);
});

test('what a function uses is measured, also where there are no groups', async () => {
  const { host, start, given } = await createHost('none');
  await start('while :; do :; done');
  await expect.poll(() => host.views()[0]?.usage?.processors, patient).toBeGreaterThan(0);
  expect(host.views()).toMatchObject([{ functionId: 1, name: 'web#1', restarts: 0, limits: {} }]);
  const information = host.information(ID);
  expect(information.memoryBytes).toBeGreaterThan(0n);
  expect(information.memoryFreeBytes).toBeGreaterThan(0n);
  expect(information.storageFreeBytes).toBeGreaterThan(0n);
  expect(information.name).toBe('web#1');
  expect(ntpToUnixMs(information.bootTime ?? 0n)).toBeGreaterThan(Date.now() - 60_000);
  await expect
    .poll(() => given.some((input) => input.type === 'load' && input.fraction > 0), patient)
    .toBe(true);
  expect(host.information(functionId(2))).toEqual({});
});

test('a check by a command gets what the function was given', async () => {
  const { host, given, start } = await createHost('none');
  await start('while :; do sleep 1; done');
  const check = {
    type: 'command',
    command: ['/bin/sh', '-c', 'test "$0" = web#1', '{name}'],
    intervalMs: 500,
    timeoutMs: 10_000,
    rise: 1,
    fall: 1,
  } as const;
  await host.check({ type: 'check-health', functionId: ID, run: 1, check, address: '127.0.0.1', port: null });
  expect(given.find((input) => input.type === 'health')).toMatchObject({ ok: true, reason: 'exit code 0' });
});

test('a function that floods its output: the file is cut, its last lines are told, the agent goes on', async () => {
  const { folder, given, start, stop, exits } = await createHost('none');
  // A line of 1,000 characters, again and again.
  await start('x=$(head -c 999 /dev/zero | tr "\\0" x); while :; do echo "$x"; done');
  const path = `${folder}/output/web#1.log`;
  const size = (name: string) => statSync(name, { throwIfNoEntry: false })?.size ?? 0;
  // What was cut off once is kept, within the same bound.
  await expect.poll(() => size(`${path}.1`), patient).toBeGreaterThan(0);
  expect(size(`${path}.1`)).toBeLessThanOrEqual(4 << 20);
  const told = given.filter((input) => input.type === 'output').at(-1);
  expect(told?.lines.length).toBeLessThanOrEqual(10);
  expect(told?.lines.every((line) => line.length <= 2_000)).toBe(true);
  await stop(100);
  expect(exits()).toHaveLength(1);
  // Nobody writes any more, and the next look would cut it.
  expect(size(path)).toBeLessThan(1 << 30);
});
