// SPDX-License-Identifier: Apache-2.0
import type { FailoverView } from '@vnfpool/core/management';
import { describe, expect, test } from 'vitest';
import {
  describeFailover,
  describeSources,
  explainCause,
  explainFencing,
  explainStep,
  layOutTimeline,
  ticksBetween,
} from '../../src/model/timeline.ts';

const at = 1_700_000_000_000;

function failover(offsets: Record<string, number>, outageMs: number | null): FailoverView {
  return {
    id: 'a1/8',
    pool: 'web',
    slot: 0,
    epoch: 8,
    from: 'web#1',
    fromNode: 'node-a',
    toNode: 'node-b',
    to: 'web#2',
    cause: 'lease-expired',
    fencedBy: 'timeout',
    steps: Object.entries(offsets).map(([name, offset]) => ({ name, at: at + offset, source: 'node-b' })),
    outageMs,
    failedRequests: null,
  };
}

test('an instance that moved took its slot along', () => {
  const moved = { ...failover({ detected: 0 }, null), from: 'web#1', to: 'web#1' };
  expect(describeFailover(moved)).toBe('web#1 took web slot 0 along from node-a to node-b.');
});

describe('the timeline of a failover', () => {
  test('begins with the outage, which lies before the detection, and ends with the last step', () => {
    const timeline = layOutTimeline(failover({ detected: 0, switched: 20, 'first-served': 50 }, 200));
    expect([timeline.startMs, timeline.endMs]).toEqual([-150, 50]);
    expect(timeline.outage).toEqual({ start: 0, length: 1 });
    expect(timeline.zero).toBe(0.75);
    expect(timeline.steps.map(({ offsetMs, tookMs }) => [offsetMs, tookMs])).toEqual([
      [0, 0],
      [20, 20],
      [50, 30],
    ]);
    expect(timeline.steps[1]?.span.start).toBe(0.75);
    expect(timeline.steps[1]?.span.length).toBeCloseTo(0.1);
  });

  test('without a traffic source there is no outage to draw and zero is the left end', () => {
    const timeline = layOutTimeline(failover({ detected: 0, serving: 40 }, null));
    expect(timeline.outage).toBeNull();
    expect(timeline.zero).toBe(0);
    expect(timeline.endMs).toBe(40);
  });

  test('an outage whose end is not among the steps is not drawn', () => {
    expect(layOutTimeline(failover({ detected: 0, serving: 40 }, 180)).outage).toBeNull();
  });

  test('clocks that disagree give no negative duration and nothing outside the scale', () => {
    const timeline = layOutTimeline(failover({ detected: 0, decided: -3, serving: 10 }, null));
    expect(timeline.steps[1]?.tookMs).toBe(0);
    for (const { span } of timeline.steps) {
      expect(span.start).toBeGreaterThanOrEqual(0);
      expect(span.start + span.length).toBeLessThanOrEqual(1 + 1e-9);
    }
  });

  test('no step, or all at once, still has a scale', () => {
    expect(layOutTimeline(failover({}, null)).steps).toEqual([]);
    const { steps } = layOutTimeline(failover({ detected: 0, serving: 0 }, null));
    expect(steps.every(({ span }) => Number.isFinite(span.start) && Number.isFinite(span.length))).toBe(true);
  });

  test.each([
    [-150, 50, [-100, 0]],
    [0, 33, [0, 20]],
    [0, 1, [0, 0.5, 1]],
    [0, 2600, [0, 2000]],
  ])('ticks from %d to %d are round', (start, end, expected) => {
    expect(ticksBetween(start, end)).toEqual(expected);
  });
});

describe('a failover in words', () => {
  test('names who took over from whom and the outage', () => {
    expect(describeFailover(failover({}, 213.6))).toBe(
      'web#2 took over web slot 0 from web#1. Traffic saw an outage of 214 ms.',
    );
    expect(describeFailover({ ...failover({}, null), from: null })).toBe('web#2 took web slot 0.');
  });

  test('causes that the page does not know are shown as they came', () => {
    expect(explainCause('lease-expired')).toContain('lease ran out');
    expect(explainCause('meteor')).toBe('meteor');
    expect(explainStep('meteor')).toBe('');
  });

  test('tells who timed the steps', () => {
    const { steps, ...rest } = failover({ detected: 0, serving: 10 }, null);
    expect(describeSources({ ...rest, steps })).toBe('Timed by node-b');
    const served = { name: 'first-served', at, source: 'traffic' };
    expect(describeSources({ ...rest, steps: [...steps, served] })).toBe(
      'Timed by node-b; first-served by traffic',
    );
    expect(describeSources({ ...rest, steps: [] })).toBe('');
  });

  test('each way of fencing reads differently', () => {
    const told = (['release', 'timeout', 'hook', 'none'] as const).map((fencedBy) =>
      explainFencing({ ...failover({ detected: 0 }, null), fencedBy }),
    );
    expect(new Set(told).size).toBe(4);
    expect(told.at(-1)).toContain('node-a has no kernel fence');
    const first = {
      ...failover({ detected: 0 }, null),
      fencedBy: 'none',
      from: null,
      fromNode: null,
    } as const;
    expect(explainFencing(first)).toContain('nobody held the slot');
  });
});
