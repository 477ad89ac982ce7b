// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { systemControlFiles as files, openFunctionGroups } from '../../src/cgroups/index.ts';
import { isPlatformError } from '../../src/errors.ts';

/** A root folder as the kernel would show it, of plain files. */
function createRoot(): string {
  const root = mkdtempSync(join(tmpdir(), 'vnfpool-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  return root;
}

function errorOf(act: () => unknown): Error {
  try {
    act();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}

test('a control that is not there is an error that names it, and is never made', () => {
  const root = createRoot();
  const error = errorOf(() => files.write(`${root}/pids.max`, '12\n'));
  expect(isPlatformError(error, 'ENOENT')).toBe(true);
  expect(error.message).toBe(`write "12" to ${root}/pids.max: no such file or directory (ENOENT)`);
  expect(files.exists(`${root}/pids.max`)).toBe(false);
  expect(errorOf(() => files.read(`${root}/x`)).message).toContain(`read ${root}/x: `);
  expect(errorOf(() => files.below(`${root}/x`)).message).toContain(`list ${root}/x: `);
});

test('groups are made with those above, listed without files, removed when empty; twice is once', () => {
  const root = createRoot();
  files.make(`${root}/a/b`);
  files.make(`${root}/a/b`);
  writeFileSync(`${root}/a/cgroup.procs`, '');
  expect(files.below(`${root}/a`)).toEqual(['b']);
  expect(
    isPlatformError(
      errorOf(() => files.remove(`${root}/a`)),
      'ENOTEMPTY',
      'EBUSY',
    ),
  ).toBe(true);
  files.remove(`${root}/a/b`);
  files.remove(`${root}/a/b`);
  expect(files.below(`${root}/a`)).toEqual([]);
});

test('in a root folder of plain files: the hierarchy is found by its mount, limits stand in its files', async () => {
  const root = createRoot();
  mkdirSync(`${root}/proc`);
  writeFileSync(`${root}/proc/mountinfo`, `40 1 0:1 / ${root}/pids rw - cgroup cgroup rw,pids\n`);
  writeFileSync(`${root}/proc/cgroup`, '3:pids:/\n');
  // The kernel would fill a group when it is made; here it is there already.
  mkdirSync(`${root}/pids/vnfpool.t`, { recursive: true });
  writeFileSync(`${root}/pids/vnfpool.t/pids.max`, 'max\n');
  const groups = await openFunctionGroups({ label: 't', where: 'auto', proc: `${root}/proc` });
  expect([groups.way, groups.refusal({ processes: 12 })]).toEqual(['cgroup1', null]);
  expect(groups.refusal({ memoryBytes: 1 << 20 })).toContain('this system has no memory controller');
  mkdirSync(`${root}/pids/vnfpool.t/web.1`);
  writeFileSync(`${root}/pids/vnfpool.t/web.1/pids.max`, 'max\n');
  const group = groups.create('web.1', { processes: 12 });
  expect(readFileSync(`${root}/pids/vnfpool.t/web.1/pids.max`, 'utf8')).toMatch(/^12/);
  expect(group.enter(['web'])).toContain(`${root}/pids/vnfpool.t/web.1/cgroup.procs`);
});
