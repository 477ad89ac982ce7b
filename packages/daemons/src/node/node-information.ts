// SPDX-License-Identifier: Apache-2.0
import { statfsSync } from 'node:fs';
import { cpus, freemem, loadavg, totalmem } from 'node:os';
import type { NodeInformation } from '@vnfpool/wire/mobility';

/**
 * What the host has and how busy it is, as the draft's node information. Loads are the kernel's one- and
 * fifteen-minute averages of runnable processes; storage is that of the file system of the state folder.
 */
export function nodeInformation(folder: string): NodeInformation {
  const [load = 0, , loadAverage = 0] = loadavg();
  const processors = cpus();
  const ghz = processors.reduce((sum, { speed }) => sum + speed, 0) / 1000;
  const storage = statfsSync(folder, { bigint: true });
  return {
    ...(ghz > 0 ? { capacityGhz: rounded(ghz) } : {}),
    load: rounded(load),
    loadAverage: rounded(loadAverage),
    memoryBytes: BigInt(totalmem()),
    memoryFreeBytes: BigInt(freemem()),
    storageBytes: storage.blocks * storage.bsize,
    storageFreeBytes: storage.bavail * storage.bsize,
  };
}

/** The draft's decimals have six digits at most. */
function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
