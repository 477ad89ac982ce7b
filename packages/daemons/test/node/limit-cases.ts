// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { functionId } from '@vnfpool/core';
import type { AgentInput } from '@vnfpool/core/agent';
import { openFunctionGroups } from '@vnfpool/platform/cgroups';
import { createLinuxClocks } from '@vnfpool/platform/clocks';
import type { FunctionLimits, FunctionSpecification } from '@vnfpool/wire/mobility';
import { expect, onTestFinished, test } from 'vitest';
import { FunctionHost } from '../../src/node/function-host.ts';

/* Functions that want more than they may, on whatever kernel this is: its groups do the work. */

export const ID: ReturnType<typeof functionId> = functionId(1);
export const patient = { timeout: 40_000 };

/** A host whose functions have groups, and what it gave to the agent. @param where see `openFunctionGroups` */
export async function createHost(where: string) {
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
  return { host, folder, given, start, stop, exits, groups };
}

/** Why these limits cannot be enforced there, as a part of a title; '' where they can. */
export async function refusedAt(where: string, limits: FunctionLimits): Promise<string> {
  const groups = await openFunctionGroups({ label: `probe-${randomBytes(4).toString('hex')}`, where });
  const refusal = groups.refusal(limits);
  await groups.close();
  return refusal === null ? '' : ` [${refusal}]`;
}

/** A group beside ours, for where ours is somebody's who bounds us, too. */
export const BESIDE = `/vnfpool-lab-${randomBytes(4).toString('hex')}`;

/** Gives it back, in every hierarchy. */
export function removeBeside(): void {
  const mounts = existsSync('/sys/fs/cgroup') ? readdirSync('/sys/fs/cgroup') : [];
  for (const mount of ['', ...mounts.map((name) => `/${name}`)])
    if (existsSync(`/sys/fs/cgroup${mount}${BESIDE}`)) rmdirSync(`/sys/fs/cgroup${mount}${BESIDE}`);
}

/** One test for each limit that groups enforce. */
export async function testLimits(where: string): Promise<void> {
  const processes = await refusedAt(where, { processes: 12 });
  test.skipIf(processes !== '')(
    `a function that forks without end is bounded, told, and ended whole${processes}`,
    async () => {
      const { host, start, stop } = await createHost(where);
      await start('f() { while :; do (f) & done; }; (f) & exec sleep 600', { processes: 12 });
      const usage = () => host.views()[0]?.usage;
      await expect.poll(() => usage()?.refusedStarts, patient).toBeGreaterThan(0);
      expect(usage()?.threads).toBeLessThanOrEqual(12);
      expect(host.information(ID)).toHaveProperty('load');
      await stop(0);
      await expect.poll(() => host.views(), patient).toEqual([]);
    },
  );

  const memory = await refusedAt(where, { memoryBytes: 32 << 20 });
  test.skipIf(memory !== '')(
    `a function that grows without bound is ended, and the reason says why${memory}`,
    async () => {
      const { host, start, exits } = await createHost(where);
      await start('sleep 600 & x=x; while :; do x=$x$x; done', { memoryBytes: 32 << 20 });
      await expect
        .poll(exits, patient)
        .toMatchObject([{ reason: expect.stringContaining('more memory than its limit of 33554432') }]);
      await expect.poll(() => host.views(), patient).toEqual([]);
    },
  );

  test.skipIf(memory !== '')(
    `what a function has of its memory is told, and what is left${memory}`,
    async () => {
      const { host, start } = await createHost(where);
      // 6 MB, kept in memory.
      await start('x=$(head -c 6000000 /dev/zero | tr "\\0" x); while :; do sleep 1; done', {
        memoryBytes: 256 << 20,
      });
      await expect.poll(() => host.information(ID).memoryBytes ?? 0n, patient).toBeGreaterThan(6_000_000n);
      const { memoryBytes = 0n, memoryFreeBytes = 0n } = host.information(ID);
      expect(memoryBytes + memoryFreeBytes).toBe(BigInt(256 << 20));
    },
  );

  const processors = await refusedAt(where, { processors: 0.02 });
  test.skipIf(processors !== '')(
    `a function that never rests is held back to its share${processors}`,
    async () => {
      const { host, start } = await createHost(where);
      // Little, so that it wants more also where much else runs.
      await start('while :; do :; done', { processors: 0.02 });
      await expect.poll(() => host.views()[0]?.usage?.throttledMs ?? 0, patient).toBeGreaterThan(100);
      await expect.poll(() => host.views()[0]?.usage?.processors ?? 1, patient).toBeLessThan(0.2);
    },
  );
}
