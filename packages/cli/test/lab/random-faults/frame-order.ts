// SPDX-License-Identifier: Apache-2.0

/*
 * What a capture on the bridges says about who acted: frames in the name of the addresses of one slot, by who sent them. All
 * of a slot's addresses are told together, as all of them open and close with it.
 */

/** Frames of one sender, one after the other, without one of anybody else between them. */
export interface Run {
  readonly speaker: string;
  frames: number;
  /** Wall clock of the capture, seconds. */
  readonly firstAt: string;
  lastAt: string;
}

/** Adds one frame to the runs so far. */
export function addFrame(runs: Run[], speaker: string, at: string): void {
  const last = runs.at(-1);
  if (last?.speaker === speaker) {
    last.frames += 1;
    last.lastAt = at;
  } else runs.push({ speaker, frames: 1, firstAt: at, lastAt: at });
}

/**
 * The first run that has no place in the order in which nodes held the address; undefined when each has: no frame of
 * a former holder came after one of its successor. A holder that sent nothing is passed over.
 */
export function strayRun(runs: readonly Run[], holders: readonly string[]): Run | undefined {
  let next = 0;
  for (const run of runs) {
    const found = holders.indexOf(run.speaker, next);
    if (found < 0) return run;
    next = found;
  }
  return undefined;
}
