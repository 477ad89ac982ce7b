// SPDX-License-Identifier: Apache-2.0
import { setTimeout as pause } from 'node:timers/promises';
import { sendSignal } from '../processes/signal.ts';

/** Rounds of ending and looking again, and the time between them: 2 s in all. */
const ROUNDS = 100;
const ROUND_MS = 20;

/**
 * Ends processes until none is left.
 * @param kill one round: ends all that are there now
 * @param left how many are there
 * @returns how many are left after 2 s
 */
export async function endAll(kill: () => void, left: () => number): Promise<number> {
  for (let round = 0; round < ROUNDS; round++) {
    if (left() === 0) return 0;
    kill();
    await pause(ROUND_MS);
  }
  return left();
}

/** SIGKILL and the like to each; one that is gone, or another's by now, is passed over. */
export function signalAll(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      // 0 is a process of another PID namespace, 1 never ours, and -1 would be everybody.
      if (pid > 1 && pid !== process.pid) sendSignal(pid, name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
    }
  }
}
