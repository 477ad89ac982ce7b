// SPDX-License-Identifier: Apache-2.0
import { type ProcessIdentity, readProcessStat } from '@vnfpool/platform/processes';

/** A process as it is written down for whoever cleans up after us. */
export interface ProcessRecord {
  readonly pid: number;
  /** Clock ticks since boot: with the pid it names a process for ever. Null where there is no /proc. */
  readonly startTime: string | null;
}

export function recordProcess(pid: number): ProcessRecord {
  const stat = readProcessStat(pid);
  return stat === undefined ? { pid, startTime: null } : recordOf(stat);
}

export function recordOf({ pid, startTicks }: ProcessIdentity): ProcessRecord {
  return { pid, startTime: String(startTicks) };
}

/** A pid alone may have been given to another process since; without /proc we leave strangers alone. */
export function isStillThere({ pid, startTime }: ProcessRecord): boolean {
  return startTime !== null && recordProcess(pid).startTime === startTime;
}
