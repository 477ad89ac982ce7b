// SPDX-License-Identifier: Apache-2.0
import { beforeEach, describe, expect, test } from 'vitest';
import { CandidateWatch } from '../../src/node/candidate-watch.ts';

describe('processes of candidates', () => {
  let alive: Map<number, () => void>;
  let gone: Set<number>;
  let ended: string[];
  let watch: CandidateWatch;

  beforeEach(() => {
    alive = new Map();
    gone = new Set();
    ended = [];
    watch = new CandidateWatch(
      (pid, tell) => {
        if (gone.has(pid)) return undefined;
        alive.set(pid, tell);
        return () => void alive.delete(pid);
      },
      (slot, functionId) => ended.push(`${slot}/${functionId}`),
    );
  });

  const end = (pid: number): void => alive.get(pid)?.();

  test('the end of one is told once, with the slot that it was for', () => {
    watch.follow('a', 7, 100);
    watch.follow('a', 7, 100);
    watch.follow('b', 8, 101);
    end(100);
    watch.follow('a', 7, 100);
    expect(ended).toEqual(['a/7']);
    expect([...alive.keys()]).toContain(101);
  });

  test('another process takes the place of the former one, which may end now', () => {
    watch.follow('a', 7, 100);
    watch.follow('a', 7, 102);
    end(100);
    expect(ended).toEqual([]);
    end(102);
    expect(ended).toEqual(['a/7']);
  });

  test.each([
    ['more is to be done at its end', () => watch.follow('a', 7, null)],
    ['it is no candidate any more', () => watch.forget('a')],
    ['nothing is done any more', () => watch.close()],
  ])('it is not watched where %s', (_, stop) => {
    watch.follow('a', 7, 100);
    stop();
    expect(alive.size).toBe(0);
  });

  test('one that has ended already is not told of: somebody else knows', () => {
    gone.add(100);
    watch.follow('a', 7, 100);
    expect(ended).toEqual([]);
    watch.forget('a');
  });
});
