// SPDX-License-Identifier: Apache-2.0

/** A stall of this process takes one of so many parts of a deadline, however long it is. */
const PARTS = 8;

export interface OwnTime {
  cancel(): void;
}

/**
 * Calls `over` when this process has waited for `ms`. Who was late itself accuses nobody: time in which its loop stood
 * still is not waited, and what came meanwhile is read before `over` is called.
 */
export function afterOwnTime(ms: number, over: () => void): OwnTime {
  let left = PARTS;
  let last: NodeJS.Immediate | undefined;
  let timer = setTimeout(part, ms / PARTS);

  function part(): void {
    left -= 1;
    if (left > 0) timer = setTimeout(part, ms / PARTS);
    // Timers come before sockets in a turn of the loop, immediates behind them.
    else last = setImmediate(over);
  }

  return {
    cancel: () => {
      clearTimeout(timer);
      clearImmediate(last);
    },
  };
}
