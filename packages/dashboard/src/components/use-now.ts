// SPDX-License-Identifier: Apache-2.0
import { useEffect, useState } from 'preact/hooks';

/** The server's clock as this browser knows it. */
export interface ServerClock {
  /** Server minus browser, ms. */
  readonly offsetMs: number;
  /** The server's time when the connection was lost, or null: ages must not grow on a picture of the past. */
  readonly stoppedAt: number | null;
}

/** The server's time in ms since 1970, fresh every `everyMs`. */
export function useNow(clock: ServerClock, everyMs: number): number {
  const [, setTick] = useState(0);
  const stopped = clock.stoppedAt !== null;
  useEffect(() => {
    if (stopped) return;
    const timer = setInterval(() => setTick((tick) => tick + 1), everyMs);
    return () => clearInterval(timer);
  }, [everyMs, stopped]);
  return clock.stoppedAt ?? Date.now() + clock.offsetMs;
}
