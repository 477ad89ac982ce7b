// SPDX-License-Identifier: Apache-2.0
import type { Clocks } from '@vnfpool/platform';
import { createLinuxClocks } from '@vnfpool/platform/clocks';

/** CLOCK_BOOTTIME and the wall clock; elsewhere than on Linux the nearest that Node offers. */
export function agentClocks(): Clocks {
  if (process.platform === 'linux') return createLinuxClocks();
  return {
    boottimeMs: () => Number(process.hrtime.bigint()) / 1e6,
    wallMs: () => performance.timeOrigin + performance.now(),
  };
}
