// SPDX-License-Identifier: Apache-2.0
import type { PauseKind } from '@vnfpool/wire/mobility';
import { stallMs, watchMs } from '../lease/timing.ts';

/** What was measured over a time in which a thread did not come to its turn; milliseconds. */
export interface Standstill {
  /** How late it was, by CLOCK_BOOTTIME. */
  readonly lateMs: number;
  /** By how much CLOCK_BOOTTIME went further than CLOCK_MONOTONIC: that stands still in suspend. */
  readonly suspendedMs: number;
  /** How long it could run and did not: others had the processor. Null: the kernel does not say. */
  readonly waitedMs: number | null;
  /** How long it ran. */
  readonly ranMs: number | null;
  /** Time that the hypervisor took from all processors together, divided by their number. */
  readonly stolenMs: number | null;
}

/**
 * Why a thread stood still. What takes at least half of the time is named; what nothing explains was stopped from outside: by a
 * signal, a freezer, a debugger, the disk, or with the whole machine in a way that its clocks do not show.
 */
export function pauseKind({ lateMs, suspendedMs, waitedMs, ranMs, stolenMs }: Standstill): PauseKind {
  const half = lateMs / 2;
  if (suspendedMs >= half) return 'suspended';
  if ((stolenMs ?? 0) >= half) return 'stolen';
  if ((waitedMs ?? 0) >= half) return 'starved';
  if ((ranMs ?? 0) >= half) return 'busy';
  return 'stopped';
}

const LOOK_MS_MAX = 100;
/** Each look reads a file of the kernel: with the shortest leases that is some 0.2 % of a processor. */
const LOOK_MS_MIN = 10;
/** Longer than this is a pause however long the leases are. */
const PAUSE_MS_MAX = 150;
/** Shorter ones are the usual lateness of a timer on a machine that does other things. */
const PAUSE_MS_MIN = 10;

/**
 * How often a node looks whether it stood still, and from how late a look on it did, in milliseconds: as late as what its leases call a
 * stall, since that may have cost one of them.
 * @param leaseMs the shortest lease of the node; undefined: it has none
 */
export function pauseLimits(leaseMs: number | undefined): {
  readonly lookMs: number;
  readonly lateMs: number;
} {
  if (leaseMs === undefined) return { lookMs: LOOK_MS_MAX, lateMs: PAUSE_MS_MAX };
  return {
    lookMs: Math.min(Math.max(watchMs(leaseMs), LOOK_MS_MIN), LOOK_MS_MAX),
    lateMs: Math.min(Math.max(stallMs(leaseMs), PAUSE_MS_MIN), PAUSE_MS_MAX),
  };
}
