// SPDX-License-Identifier: Apache-2.0

import type { RserpoolWorldOptions } from './options.ts';
import { type RserpoolWorldResult, runRserpoolWorld } from './run.ts';

/** Runs at most, so that a large world ends too. */
const RUNS_MAX = 40;

/** The same seed with as few faults as still break a promise: leaves out one after the other. */
export function shrunk(
  seed: number,
  failed: RserpoolWorldResult,
  options: RserpoolWorldOptions = {},
): RserpoolWorldResult {
  let least = failed;
  let kept = failed.faults.map(({ number }) => number);
  let runs = 0;
  for (const number of [...kept].toReversed()) {
    if (runs++ >= RUNS_MAX) break;
    const fewer = kept.filter((other) => other !== number);
    const result = runRserpoolWorld(seed, { ...options, faults: new Set(fewer) });
    if (result.ok) continue;
    least = result;
    kept = fewer;
  }
  return { ...least, faults: least.faults.filter(({ number }) => kept.includes(number)) };
}

/** The world and the faults of a run, for people. */
export function describeRun({ plan, faults }: RserpoolWorldResult): string[] {
  const settings = Object.entries(plan).map(
    ([key, value]) => `${key} ${typeof value === 'number' ? Number(value.toFixed(2)) : String(value)}`,
  );
  return [
    `world: ${settings.join(', ')}`,
    ...faults.map(({ number, kind, atMs }) => `fault ${number} at ${atMs.toFixed(0)} ms: ${kind}`),
  ];
}
