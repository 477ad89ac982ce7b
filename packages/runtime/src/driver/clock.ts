// SPDX-License-Identifier: Apache-2.0

/** Time for a driver: a monotonic clock and one-shot timers on it, in milliseconds. */
export interface Clock {
  nowMs(): number;
  /** Calls back at or after `atMs`, never within this call; returns how to call it off. */
  at(atMs: number, run: () => void): () => void;
}

/** Node's longest timer; a longer wait is cut into several. */
const timeoutMsMax = 2 ** 31 - 1;

/** Node's timers over `nowMs`; default the monotonic clock since the process started. */
export function systemClock(nowMs: () => number = () => performance.now()): Clock {
  return {
    nowMs,
    at: (atMs, run) => {
      let timer: NodeJS.Timeout;
      const arm = (): void => {
        // Rounded up: a timer that fires early would find nothing due and be armed again for under 1 ms.
        const waitMs = Math.max(0, Math.ceil(atMs - nowMs()));
        timer = waitMs > timeoutMsMax ? setTimeout(arm, timeoutMsMax) : setTimeout(run, waitMs);
      };
      arm();
      return () => clearTimeout(timer);
    },
  };
}
