// SPDX-License-Identifier: Apache-2.0
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';

/** The machine that a figure was measured on. `load` tells how busy it was at that moment, per core. */
export function describeHost() {
  const cores = availableParallelism();
  return {
    cpu: (cpus()[0]?.model ?? 'unknown').trim(),
    cores,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    load: Math.round(((loadavg()[0] ?? 0) / cores) * 100) / 100,
  };
}
