// SPDX-License-Identifier: Apache-2.0
import type { PauseKind } from '@vnfpool/wire/mobility';

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
