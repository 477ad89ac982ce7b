// SPDX-License-Identifier: Apache-2.0
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
