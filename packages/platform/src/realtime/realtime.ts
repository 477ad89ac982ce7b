// SPDX-License-Identifier: Apache-2.0
import { PlatformError } from '../errors.ts';
import { MCL_CURRENT, MCL_FUTURE, SCHED_FIFO, SCHED_OTHER, SCHED_RESET_ON_FORK } from '../libc/constants.ts';
import { libc } from '../libc/libc.ts';

/** Whether a wish was granted, and if not, why, in a line for people. */
export type Grant = { readonly isGranted: true } | { readonly isGranted: false; readonly reason: string };

/**
 * Schedules the calling thread first-in-first-out. Threads and processes that it starts are normal again.
 * @param priority 1–99, default 10
 */
export function requestRealtime(priority = 10): Grant {
  return attempt(
    () => libc().setScheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, priority),
    'needs CAP_SYS_NICE in the first user namespace, and a cpu cgroup with a real-time budget',
  );
}

/** Puts the calling thread back under the normal policy. */
export function leaveRealtime(): void {
  libc().setScheduler(0, SCHED_OTHER, 0);
}

/** Whether the calling thread runs first-in-first-out. */
export function isRealtime(): boolean {
  return (libc().getScheduler(0) & ~SCHED_RESET_ON_FORK) === SCHED_FIFO;
}

/** Keeps the whole process in memory, also what it allocates later; a Node process then counts fully, some 100 MB and more. */
export function requestLockedMemory(): Grant {
  return attempt(
    () => libc().lockMemory(MCL_CURRENT | MCL_FUTURE),
    'needs CAP_IPC_LOCK or a greater limit of locked memory (ulimit -l)',
  );
}

function attempt(work: () => void, remedy: string): Grant {
  try {
    work();
    return { isGranted: true };
  } catch (error) {
    if (error instanceof PlatformError) return { isGranted: false, reason: `${error.message}; ${remedy}` };
    throw error;
  }
}
