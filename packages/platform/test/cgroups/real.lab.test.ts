// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import {
  type FunctionGroup,
  type GroupLimits,
  openFunctionGroups,
  ProcessGroups,
} from '../../src/cgroups/index.ts';
import { isAlive, readProcessStat, startProgram } from '../../src/processes/index.ts';

// The groups of this machine, as this user may use them.
const label = `test-${randomBytes(4).toString('hex')}`;
const groups = await openFunctionGroups({ label, where: 'auto' });
afterAll(() => groups.close());

/** Starts a shell script in a group. */
function run(group: FunctionGroup, script: string, ...args: string[]) {
  const program = startProgram({
    command: group.enter(['/bin/sh', '-c', script, 'sh', ...args]),
    environment: { PATH: process.env['PATH'] ?? '', ...group.environment },
  });
  if (!program.identity) throw new Error('not started');
  group.began(program.identity);
  onTestFinished(async () => {
    await group.kill();
    await program.stop(0);
    group.remove();
  });
  return program;
}

/** Why limits cannot be tried here, for the title of a skipped test. */
function unless(limits: GroupLimits): string {
  const refusal = groups.refusal(limits);
  return refusal === null ? '' : ` [${refusal}]`;
}

/** The file by which an operator holds a process's group still. */
function freezerOf(pid: number): { readonly file: string; readonly hold: string; readonly go: string } {
  const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8').split('\n');
  const first = lines.find((line) => line.split(':')[1] === 'freezer')?.split(':')[2];
  if (first !== undefined)
    return { file: `/sys/fs/cgroup/freezer${first}/freezer.state`, hold: 'FROZEN', go: 'THAWED' };
  const second = lines.find((line) => line.startsWith('0::'))?.slice(3) ?? '';
  const mount = groups.second?.mount ?? '/sys/fs/cgroup';
  return { file: `${mount}${second}/cgroup.freeze`, hold: '1', go: '0' };
}

const noGroups = groups.way === 'proc' ? ` [${groups.description}]` : '';
let count = 0;
const create = (limits: GroupLimits): FunctionGroup => groups.create(`f.${++count}`, limits);
/** Ignores SIGTERM, and starts a child in a session of its own whose parent ends at once. */
const STUBBORN =
  'trap \'\' TERM; (setsid sh -c \'trap "" TERM; echo $$ > "$1"; while :; do sleep 1; done\' sh "$1" &) ; while :; do sleep 1; done';

async function stubborn(group: FunctionGroup) {
  const folder = mkdtempSync(join(tmpdir(), 'vnfpool-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const program = run(group, STUBBORN, `${folder}/pid`);
  let child = 0;
  await expect
    .poll(() => {
      try {
        child = Number(readFileSync(`${folder}/pid`, 'utf8'));
      } catch {
        child = 0;
      }
      return child;
    })
    .toBeGreaterThan(1);
  // In /proc it is found by its mark only, at the end.
  if (group.path !== null) await expect.poll(() => group.processes()).toContain(child);
  const identity = readProcessStat(child);
  if (!identity) throw new Error('the child is gone');
  return { program, identity };
}

describe('groups of the kernel', () => {
  test.skipIf(noGroups !== '')(
    `a function that ignores SIGTERM ends with its escaped child${noGroups}`,
    async () => {
      const group = create({});
      const { program, identity } = await stubborn(group);
      program.signal('SIGTERM');
      expect(isAlive(identity)).toBe(true);
      expect(await group.kill()).toBe(0);
      expect(isAlive(identity)).toBe(false);
      expect((await program.exited).signal).toBe('SIGKILL');
    },
  );

  test.skipIf(noGroups !== '')(
    `a function that somebody freezes is told from one that ended${noGroups}`,
    async () => {
      const group = create({});
      const program = run(group, 'while :; do sleep 1; done');
      expect(group.heldStill()).toBeNull();
      const pid = program.identity?.pid ?? 0;
      // It joins by itself, and no other group may be frozen by mistake.
      await expect.poll(() => group.processes()).toContain(pid);
      const freezer = freezerOf(pid);
      expect(freezer.file).toContain(group.name);
      writeFileSync(freezer.file, freezer.hold);
      try {
        await expect.poll(() => group.heldStill()).toBe('frozen');
      } finally {
        writeFileSync(freezer.file, freezer.go);
      }
      await expect.poll(() => group.heldStill()).toBeNull();
    },
  );

  const forks = unless({ processes: 12 });
  test.skipIf(forks !== '')(
    `a function that forks without end stays within its limit, and ends whole${forks}`,
    async () => {
      const group = create({ processes: 12 });
      // A process that may not start another one ends; those before it go on.
      run(group, 'f() { while :; do (f) & done; }; f');
      await expect.poll(() => group.statistics().refusedStarts, { timeout: 20_000 }).toBeGreaterThan(0);
      for (let sample = 0; sample < 20; sample++) expect(group.statistics().threads).toBeLessThanOrEqual(12);
      expect(await group.kill()).toBe(0);
      expect(group.processes()).toEqual([]);
    },
  );

  const memory = unless({ memoryBytes: 64 << 20 });
  test.skipIf(memory !== '')(
    `a function that grows without bound is ended by the kernel${memory}`,
    async () => {
      const group = create({ memoryBytes: 64 << 20 });
      const program = run(group, 'x=x; while :; do x=$x$x; done');
      expect((await program.exited).status).not.toBe(0);
      expect(group.statistics().memoryPeakBytes).toBeLessThanOrEqual(64 << 20);
    },
  );

  const processors = unless({ processors: 0.1 });
  test.skipIf(processors !== '')(
    `a function that computes without end is held back${processors}`,
    async () => {
      const group = create({ processors: 0.1 });
      run(group, 'while :; do :; done');
      await expect.poll(() => group.statistics().throttledMs, { timeout: 20_000 }).toBeGreaterThan(0);
      expect(group.statistics().cpuMs).toBeGreaterThan(0);
    },
  );

  test.skipIf(noGroups !== '')(
    `an empty group is removed; leftovers of this label are ended at the next start${noGroups}`,
    async () => {
      const own = await openFunctionGroups({ label: `${label}-again`, where: 'auto' });
      const group = own.create('f.1', {});
      const { program, identity } = await stubborn(group);
      const next = await openFunctionGroups({ label: `${label}-again`, where: 'auto' });
      expect(isAlive(identity)).toBe(false);
      await program.exited;
      await next.close();
      expect(
        spawnSync('find', ['/sys/fs/cgroup', '-maxdepth', '4', '-name', `vnfpool.${label}-again`], {
          encoding: 'utf8',
        }).stdout,
      ).toBe('');
    },
  );
});

const hasProc = readProcessStat(process.pid) !== undefined;
describe.skipIf(!hasProc)('followed in /proc', () => {
  const followed = new ProcessGroups(label, 'for this test');

  test('a function that ignores SIGTERM ends with the child that left it, found by its mark', async () => {
    const group = followed.create('f.1', {});
    const { program, identity } = await stubborn(group);
    expect(await group.kill()).toBe(0);
    expect(isAlive(identity)).toBe(false);
    expect((await program.exited).signal).toBe('SIGKILL');
  });

  test('processor time, memory and processes are counted', async () => {
    const group = followed.create('f.2', {});
    run(group, 'sleep 600 & while :; do :; done');
    await expect.poll(() => group.statistics().cpuMs, { timeout: 20_000 }).toBeGreaterThan(0);
    await expect.poll(() => group.statistics().processes, { timeout: 20_000 }).toBe(2);
    const { memoryBytes, threads } = group.statistics();
    expect(memoryBytes).toBeGreaterThan(100_000);
    expect(threads).toBe(2);
  });
});

test.each([
  ['of the kernel', () => create({})],
  ['found in /proc', () => new ProcessGroups(`${label}-stop`, 'a test').create(`s.${++count}`, {})],
])('a function that was stopped by a signal stands still, in a group %s', async (_name, make) => {
  const group = make();
  const program = run(group, 'while :; do sleep 0.05; done');
  await expect.poll(() => group.processes().length).toBeGreaterThan(0);
  expect(group.heldStill()).toBeNull();
  // Its child ends by itself, or is stopped too.
  await expect
    .poll(() => {
      for (const pid of group.processes()) process.kill(pid, 'SIGSTOP');
      return group.heldStill();
    })
    .toBe('stopped');
  for (const pid of group.processes()) process.kill(pid, 'SIGCONT');
  await expect.poll(() => group.heldStill()).toBeNull();
  expect(program.identity).not.toBeNull();
});
