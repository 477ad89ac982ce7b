// SPDX-License-Identifier: Apache-2.0
import { PlatformError } from '../errors.ts';
import { SCHED_FIFO, SCHED_OTHER, SCHED_RESET_ON_FORK } from '../libc/constants.ts';
import { libc } from '../libc/libc.ts';

/** Whether a wish was granted, and if not, why, in a line for people. */
export type Grant = { readonly isGranted: true } | { readonly isGranted: false; readonly reason: string };

/**
 * Schedules the calling thread first-in-first-out. Threads and processes that it starts are normal again.
 *
 * Memory is not locked (mlockall): V8 gives pages back by madvise, which the kernel refuses for locked memory, and
 * V8 then ends the process (seen on Node 20).
 * @param priority 1–99, default 10
 */
export function requestRealtime(priority = 10): Grant {
  try {
    libc().setScheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, priority);
    return { isGranted: true };
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error;
    const remedy = 'needs CAP_SYS_NICE in the first user namespace, and a cpu cgroup with a real-time budget';
    return { isGranted: false, reason: `${error.message}; ${remedy}` };
  }
}

/** Puts the calling thread back under the normal policy. */
export function leaveRealtime(): void {
  libc().setScheduler(0, SCHED_OTHER, 0);
}

/** Whether the calling thread runs first-in-first-out. */
export function isRealtime(): boolean {
  return (libc().getScheduler(0) & ~SCHED_RESET_ON_FORK) === SCHED_FIFO;
}
