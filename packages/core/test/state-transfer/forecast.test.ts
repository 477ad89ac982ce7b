// SPDX-License-Identifier: Apache-2.0
import { Forecast, type ForecastDecision } from '@vnfpool/core/state-transfer';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

interface Way {
  readonly snapshotBytes: number;
  readonly bytesPerSecond: number;
  readonly changePerSecond: number;
  /** More than this never changes, however long one waits. */
  readonly workingSetBytes: number;
  readonly roundTripMs: number;
  readonly pauseMaxMs: number;
  readonly word: number | null;
}

const usual: Way = {
  snapshotBytes: 10_000_000,
  bytesPerSecond: 10_000_000,
  changePerSecond: 1_000_000,
  workingSetBytes: Number.POSITIVE_INFINITY,
  roundTripMs: 1,
  pauseMaxMs: 100,
  word: null,
};

const told = (changePerSecond: number): Partial<Way> => ({ changePerSecond, word: changePerSecond });

/** Goes round until it is decided; how, after how many deltas, and what the pause would really have been. */
function decided(way: Way): { decision: ForecastDecision; deltas: number; pauseMs: number } {
  const forecast = new Forecast(way.pauseMaxMs, 16);
  let nowMs = 0;
  let cutMs = 0;
  const changed = () => Math.min(way.workingSetBytes, (way.changePerSecond * (nowMs - cutMs)) / 1000);
  let bytes = way.snapshotBytes;
  for (let deltas = 0; ; deltas += 1) {
    forecast.cut(nowMs);
    cutMs = nowMs;
    nowMs += (bytes * 1000) / way.bytesPerSecond;
    forecast.sent(bytes, way.word, nowMs);
    nowMs += way.roundTripMs;
    forecast.marked(nowMs);
    const decision = forecast.decide(nowMs);
    bytes = changed();
    const pauseMs = (bytes * 1000) / way.bytesPerSecond + 2 * way.roundTripMs;
    if (decision !== 'again') return { decision, deltas, pauseMs };
    if (deltas > 16) throw new Error('no end');
  }
}

describe('when to stop the function', () => {
  test.each<readonly [string, Partial<Way>, ForecastDecision, number]>([
    ['a tenth changes in each round: 1 s, 100 ms, 10 ms', {}, 'quiesce', 2],
    ['nothing changes: one delta to see it', { changePerSecond: 0 }, 'quiesce', 1],
    ['the function says that nothing changes', { changePerSecond: 0, word: 0 }, 'quiesce', 0],
    [
      'a tenth, by its word, and all of it would fit: 100 ms, 10, 1',
      { ...told(1e6), pauseMaxMs: 1000 },
      'quiesce',
      3,
    ],
    [
      'its word is little beside the way there',
      { ...told(1e4), pauseMaxMs: 1000, roundTripMs: 20 },
      'quiesce',
      0,
    ],
    [
      'as much as moves, by its word, and all of it would fit',
      { ...told(1e7), pauseMaxMs: 2000 },
      'quiesce',
      0,
    ],
    ['half changes in each round', { changePerSecond: 5_000_000 }, 'quiesce', 4],
    ['as much changes as moves', { changePerSecond: 10_000_000 }, 'never', 3],
    ['more changes than moves', { changePerSecond: 20_000_000 }, 'never', 3],
    [
      'a working set that moves within the pause',
      { changePerSecond: 20_000_000, workingSetBytes: 500_000 },
      'quiesce',
      1,
    ],
    ['a working set that does not', { changePerSecond: 20_000_000, workingSetBytes: 5_000_000 }, 'never', 3],
    ['a way there that is longer than the pause', { roundTripMs: 60 }, 'never', 6],
    [
      'a working set that changed long ago in a long snapshot',
      { snapshotBytes: 1e8, changePerSecond: 2e7, workingSetBytes: 5e6 },
      'never',
      3,
    ],
    ['no state at all', { snapshotBytes: 0, changePerSecond: 0 }, 'quiesce', 1],
  ])('%s', (_, way, decision, deltas) => {
    expect(decided({ ...usual, ...way })).toMatchObject({ decision, deltas });
  });

  test('it always ends, and where it stops the function the pause is not longer than allowed', () => {
    const way = fc.record({
      // By a snapshot of nothing, nothing is known of how fast the way is.
      snapshotBytes: fc.integer({ min: 1, max: 1e9 }),
      bytesPerSecond: fc.integer({ min: 1000, max: 1e9 }),
      changePerSecond: fc.integer({ min: 0, max: 1e9 }),
      workingSetBytes: fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.integer({ min: 0, max: 1e9 })),
      roundTripMs: fc.integer({ min: 0, max: 200 }),
      pauseMaxMs: fc.integer({ min: 1, max: 2000 }),
      isTold: fc.boolean(),
    });
    fc.assert(
      fc.property(way, (given) => {
        // Its word is true only of what is not written over.
        const isTold = given.isTold && given.workingSetBytes === Number.POSITIVE_INFINITY;
        const { decision, pauseMs } = decided({ ...given, word: isTold ? given.changePerSecond : null });
        if (decision === 'quiesce') expect(pauseMs).toBeLessThanOrEqual(given.pauseMaxMs + 0.001);
      }),
      { numRuns: 1000 },
    );
  });
});
