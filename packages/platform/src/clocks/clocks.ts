// SPDX-License-Identifier: Apache-2.0
import type { Clocks } from '../interfaces.ts';
import { CLOCK_BOOTTIME, CLOCK_MONOTONIC_COARSE, CLOCK_REALTIME } from '../libc/constants.ts';
import { libc } from '../libc/libc.ts';

/** The clocks of a Linux host. `process.hrtime` is CLOCK_MONOTONIC, which stands still in suspend. */
export function createLinuxClocks(): Clocks {
  const system = libc();
  const time = new BigInt64Array(2);
  const readMs = (clock: number): number => {
    system.clockGetTime(clock, time);
    // A double keeps today's wall clock to about 0.25 µs and a boot time of a century to 0.5 µs.
    return Number(time[0]) * 1e3 + Number(time[1]) / 1e6;
  };
  return {
    boottimeMs: () => readMs(CLOCK_BOOTTIME),
    wallMs: () => readMs(CLOCK_REALTIME),
  };
}

/** One tick of the kernel's timeouts in ms: 4 at HZ 250, 10 at HZ 100. */
export function readJiffyMs(): number {
  const time = new BigInt64Array(2);
  libc().clockGetResolution(CLOCK_MONOTONIC_COARSE, time);
  return Number(time[0]) * 1e3 + Number(time[1]) / 1e6;
}
