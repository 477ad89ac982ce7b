// SPDX-License-Identifier: Apache-2.0

/*
 * What a capture on the bridge says about who acted: frames in the name of one address, by the sender's hardware address.
 */

/** Frames of one sender, one after the other, without one of anybody else between them. */
export interface Run {
  readonly mac: string;
  frames: number;
  /** Wall clock of the capture, seconds. */
  readonly firstAt: string;
  lastAt: string;
}

/** Adds one frame to the runs so far. */
export function addFrame(runs: Run[], mac: string, at: string): void {
  const last = runs.at(-1);
  if (last?.mac === mac) {
    last.frames += 1;
    last.lastAt = at;
  } else runs.push({ mac, frames: 1, firstAt: at, lastAt: at });
}

/**
 * The first run that has no place in the order in which nodes held the address; undefined when each has: no frame of
 * a former holder came after one of its successor. A holder that sent nothing is passed over.
 */
export function strayRun(runs: readonly Run[], holders: readonly string[]): Run | undefined {
  let next = 0;
  for (const run of runs) {
    const found = holders.indexOf(run.mac, next);
    if (found < 0) return run;
    next = found;
  }
  return undefined;
}
