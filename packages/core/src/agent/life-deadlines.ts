// SPDX-License-Identifier: Apache-2.0

/** Timers of one function. */
export interface LifeDeadlines {
  /** Start it again after an exit. */
  restart?: number;
  /** Ask for the next health check. */
  check?: number;
  /** A function that speaks for itself has said nothing until now: a failure. */
  word?: number;
  /** It has run well for so long that its back-off starts anew. */
  settled?: number;
}

/** Whether the timer is due; it is taken away then. */
export function isDue(deadlines: LifeDeadlines, name: keyof LifeDeadlines, nowMs: number): boolean {
  const atMs = deadlines[name];
  if (atMs === undefined || atMs > nowMs) return false;
  delete deadlines[name];
  return true;
}

export function earliest(deadlines: LifeDeadlines): number | undefined {
  const all = Object.values(deadlines);
  return all.length === 0 ? undefined : Math.min(...all);
}

export function drop(deadlines: LifeDeadlines, ...names: readonly (keyof LifeDeadlines)[]): void {
  for (const name of names) delete deadlines[name];
}
