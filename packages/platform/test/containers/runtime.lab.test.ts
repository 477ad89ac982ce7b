// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { OciRuntime, probeContainers, readLog } from '@vnfpool/platform/containers';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(`${tmpdir()}/vnfpool-`);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

test('where there is no runtime the reason says how to get one', async () => {
  vi.stubEnv('PATH', '/nowhere');
  expect(await OciRuntime.find(`${folder}/notes`)).toMatch(
    /^crun cannot be run: .*; runc cannot be run: .*; install one: apt install crun$/,
  );
  expect(existsSync(`${folder}/notes`)).toBe(false);
});

test('of what a runtime wrote down the last word is told', () => {
  const log = `${folder}/log`;
  expect(readLog(log)).toBeNull();
  writeFileSync(log, '{"msg":"first","level":"warn"}\n{"msg":"open `/x`","level":"error"}\n');
  expect(readLog(log)).toBe('open `/x`');
  writeFileSync(log, 'no JSON');
  expect(readLog(log)).toBeNull();
});

describe.each(['crun', 'runc'] as const)('%s', (name) => {
  test('the system lets it make containers, or says why; nothing is left of the attempt', async ({
    skip,
  }) => {
    const runtime = await OciRuntime.find(`${folder}/notes`, name);
    if (typeof runtime === 'string') return skip(runtime);
    const { containers, ownRoots } = await probeContainers(runtime, folder);
    expect(containers).not.toBe('');
    expect(ownRoots).not.toBe('');
    expect(runtime.list()).toEqual([]);
    expect(readdirSync(folder)).toEqual(['notes']);
    expect(readFileSync('/proc/self/mounts', 'utf8')).not.toContain(folder);
    expect(await runtime.delete('never-there')).toBeNull();
    if (containers !== null) skip(containers);
    if (ownRoots !== null) skip(ownRoots);
  });

  test('commands are of the container that is meant, and leave groups alone', async ({ skip }) => {
    const runtime = await OciRuntime.find(`${folder}/notes`, name);
    if (typeof runtime === 'string') return skip(runtime);
    const run = runtime.runCommand('web-1', '/b');
    expect(run.join(' ')).toContain(`${name} --root ${folder}/notes/${name} `);
    expect(run.slice(-6)).toEqual(['run', '--pid-file', '/b/pid', '--bundle', '/b', 'web-1']);
    const own = runtime.runCommand('web-1', '/b', { lower: '/a,b:c', storageBytes: 4_096 });
    // Paths are words, not a part of the script.
    expect(own).toEqual(expect.arrayContaining(['unshare', 'sh', '/b', '/a,b:c', '4096']));
    expect(runtime.execCommand('web-1', '/b/p', '/b/q').slice(-6)).toEqual([
      'exec',
      '--pid-file',
      '/b/q',
      '--process',
      '/b/p',
      'web-1',
    ]);
  });
});
