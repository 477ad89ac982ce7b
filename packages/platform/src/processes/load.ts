// SPDX-License-Identifier: Apache-2.0
import type { Clocks } from '../interfaces.ts';
import { type ProcessIdentity, readProcessStat } from './stat.ts';

/** Measures the processor share of a process between calls. */
export interface LoadSampler {
  /** Share of one processor since the last call, 0 to 1; 0 at the first call and for a process that is gone. */
  sample(): number;
}

/** Starts measuring a process. The grain is 10 ms of processor time: sample every second or so. */
export function createLoadSampler(process: ProcessIdentity, clocks: Clocks): LoadSampler {
  let last: { atMs: number; cpuMs: number } | undefined;
  return {
    sample: () => {
      const stat = readProcessStat(process.pid);
      if (stat === undefined || stat.startTicks !== process.startTicks) return 0;
      const now = { atMs: clocks.boottimeMs(), cpuMs: stat.cpuMs };
      const before = last;
      last = now;
      if (before === undefined || now.atMs <= before.atMs) return 0;
      return Math.min(1, (now.cpuMs - before.cpuMs) / (now.atMs - before.atMs));
    },
  };
}
