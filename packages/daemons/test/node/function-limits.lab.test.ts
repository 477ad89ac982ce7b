// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { functionId } from '@vnfpool/core';
import type { AgentInput } from '@vnfpool/core/agent';
import { openFunctionGroups } from '@vnfpool/platform/cgroups';
import { createLinuxClocks } from '@vnfpool/platform/clocks';
import { isAlive, readProcessStat } from '@vnfpool/platform/processes';
import { type FunctionLimits, type FunctionSpecification, ntpToUnixMs } from '@vnfpool/wire/mobility';
import { expect, onTestFinished, test } from 'vitest';
import { FunctionHost } from '../../src/node/function-host.ts';

// Groups of this machine, as this user may use them.
const ID = functionId(1);
const probe = await openFunctionGroups({ label: `probe-${randomBytes(4).toString('hex')}`, where: 'auto' });
const refused = (limits: FunctionLimits): string => {
  const refusal = probe.refusal(limits);
  return refusal === null ? '' : ` [${refusal}]`;
};
const noGroups = probe.way === 'proc' ? ` [${probe.description}]` : '';
const processes = refused({ processes: 12 });
const memory = refused({ memoryBytes: 32 << 20 });
await probe.close();

/** A host whose functions have groups, and what it gave to the agent. */
async function createHost(where: 'auto' | 'none') {
  const folder = mkdtempSync(join(tmpdir(), 'vnfpool-'));
  const given: AgentInput[] = [];
  const groups = await openFunctionGroups({ label: `host-${randomBytes(4).toString('hex')}`, where });
  const host = new FunctionHost({
    folder,
    address: '127.0.0.1',
    freePorts: false,
    clocks: createLinuxClocks(),
    give: (input) => given.push(input),
    groups,
  });
  onTestFinished(async () => {
    await host.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const start = (script: string, limits?: FunctionLimits, args: readonly string[] = []) => {
    const command = ['/bin/sh', '-c', script, 'sh', ...args];
    const specification: FunctionSpecification = {
      v: 1,
      kind: 'process',
      command,
      ...(limits && { limits }),
    };
    return host.start({ type: 'start', functionId: ID, run: 1, name: 'web#1', specification });
  };
  const stop = (graceMs: number) =>
    host.stop({ type: 'stop', functionId: ID, run: 1, signal: 'SIGTERM', graceMs });
  const exits = () => given.filter((input) => input.type === 'exited');
  return { host, folder, given, start, stop, exits };
}

const patient = { timeout: 20_000 };
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

test.skipIf(processes !== '')(
  `a function that forks without end is bounded, told, and ended whole${processes}`,
  async () => {
    const { host, start, stop } = await createHost('auto');
    await start('f() { while :; do (f) & done; }; (f) & exec sleep 600', { processes: 12 });
    const usage = () => host.views()[0]?.usage;
    await expect.poll(() => usage()?.refusedStarts, patient).toBeGreaterThan(0);
    expect(usage()?.threads).toBeLessThanOrEqual(12);
    expect(host.information(ID)).toHaveProperty('load');
    await stop(0);
    await expect.poll(() => host.views(), patient).toEqual([]);
  },
);

test.skipIf(memory !== '')(
  `a function that grows without bound is ended, and the reason says why${memory}`,
  async () => {
    const { start, exits } = await createHost('auto');
    await start('x=x; while :; do x=$x$x; done', { memoryBytes: 32 << 20 });
    await expect
      .poll(exits, patient)
      .toMatchObject([{ reason: expect.stringContaining('more memory than its limit') }]);
  },
);

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
