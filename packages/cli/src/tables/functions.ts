// SPDX-License-Identifier: Apache-2.0
import type { FunctionView } from '@vnfpool/daemons/node';
import { showBitRate, showBytes } from '../output/amount.ts';
import { showAge } from '../output/duration.ts';
import type { Tone } from '../output/paint.ts';
import type { Column } from '../output/table.ts';

/** A function, and the node on which it runs. */
export interface FunctionRow extends FunctionView {
  readonly node: string;
}

/** From this part of a limit on it is shown as near. */
const NEAR = 0.9;

export const functionColumns: readonly Column<FunctionRow>[] = [
  { title: 'FUNCTION', cell: ({ name }) => name },
  { title: 'NODE', cell: ({ node }) => node },
  {
    title: 'CPU',
    cell: ({ usage }) => of(usage?.processors, (processors) => `${Math.round(processors * 100)}%`),
    tone: ({ usage, limits }) => nearness(usage?.processors, limits.processors),
    align: 'right',
  },
  {
    title: 'MEMORY',
    cell: ({ usage }) => of(usage?.memoryBytes, showBytes),
    tone: ({ usage, limits }) => nearness(usage?.memoryBytes, limits.memoryBytes),
    align: 'right',
  },
  {
    title: 'PROCESSES',
    cell: ({ usage }) => of(usage?.processes, String),
    // The limit counts threads.
    tone: ({ usage, limits }) => nearness(usage?.threads, limits.processes),
    align: 'right',
  },
  { title: 'LOAD', cell: ({ usage }) => of(usage?.loadAverage, (load) => load.toFixed(2)), align: 'right' },
  { title: 'IN', cell: ({ usage }) => of(usage?.receivedBitsPerSecond, showBitRate), align: 'right' },
  { title: 'OUT', cell: ({ usage }) => of(usage?.sentBitsPerSecond, showBitRate), align: 'right' },
  { title: 'UP', cell: ({ upMs }) => showAge(0, upMs), align: 'right' },
  {
    title: 'RESTARTS',
    cell: ({ restarts }) => String(restarts),
    tone: ({ restarts }) => (restarts > 0 ? 'warning' : undefined),
    align: 'right',
  },
  { title: 'LIMITS', cell: showLimits },
  { title: 'PID', cell: ({ pid }) => of(pid, String), align: 'right', wide: true },
  { title: 'THREADS', cell: ({ usage }) => of(usage?.threads, String), align: 'right', wide: true },
  {
    title: 'MEMORY-PEAK',
    cell: ({ usage }) => of(usage?.memoryPeakBytes, showBytes),
    align: 'right',
    wide: true,
  },
  { title: 'READ', cell: ({ usage }) => of(usage?.diskReadBytes, showBytes), align: 'right', wide: true },
  {
    title: 'WRITTEN',
    cell: ({ usage }) => of(usage?.diskWrittenBytes, showBytes),
    align: 'right',
    wide: true,
  },
  {
    title: 'HELD-BACK',
    cell: ({ usage }) => of(usage?.throttledMs, (ms) => `${(ms / 1_000).toFixed(1)} s`),
    align: 'right',
    wide: true,
  },
];

/** `0.5 cpu, 64 MiB, 32 processes`. */
function showLimits({ limits }: FunctionRow): string {
  const { processors, memoryBytes, processes, storageBytes, bandwidthBps } = limits;
  return [
    of(processors, (value) => `${value} cpu`),
    of(memoryBytes, showBytes),
    of(processes, (value) => `${value} processes`),
    of(storageBytes, (value) => `${showBytes(value)} storage`),
    of(bandwidthBps, showBitRate),
  ]
    .filter((part) => part !== '')
    .join(', ');
}

function of(value: number | null | undefined, show: (value: number) => string): string {
  return value === null || value === undefined ? '' : show(value);
}

function nearness(used: number | null | undefined, limit: number | undefined): Tone | undefined {
  if (used === null || used === undefined || limit === undefined) return undefined;
  return used >= limit * NEAR ? 'bad' : undefined;
}
