// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { isRealtime, leaveRealtime, requestRealtime } from '../../src/realtime/index.ts';

test.skipIf(process.platform !== 'linux')('real time is granted, or refused with a reason', () => {
  const grant = requestRealtime(10);
  expect(isRealtime()).toBe(grant.isGranted);
  if (grant.isGranted) leaveRealtime();
  else expect(grant.reason).toMatch(/EPERM.*CAP_SYS_NICE/);
  expect(isRealtime()).toBe(false);
  expect(requestRealtime(1000)).toMatchObject({ isGranted: false });
});

test.skipIf(process.platform !== 'linux')('a preferred main thread hands its preference to nobody', () => {
  // In a process of its own: the preference of this one cannot be taken back without privilege.
  const script = `
    const { requestPreference } = await import(${JSON.stringify(new URL('../../dist/realtime/index.js', import.meta.url).href)});
    const { getPriority } = await import('node:os');
    const { execFileSync } = await import('node:child_process');
    const grant = requestPreference(-5);
    const child = Number(execFileSync(process.execPath, ['-e', 'console.log(require("node:os").getPriority())']));
    console.log(JSON.stringify({ granted: grant.isGranted, own: getPriority(), child }));
  `;
  const run = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  expect(run.stderr).toBe('');
  const said = JSON.parse(run.stdout) as { granted: boolean; own: number; child: number };
  expect(said).toEqual({ granted: said.granted, own: said.granted ? -5 : 0, child: 0 });
});
