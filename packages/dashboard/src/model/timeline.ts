// SPDX-License-Identifier: Apache-2.0
import type { FailoverView } from '@vnfpool/core/management';
import { joinNames } from './format.ts';

/** A piece of the scale; positions and lengths are fractions of its width. */
export interface Span {
  readonly start: number;
  readonly length: number;
}

export interface TimelineStep {
  readonly name: string;
  readonly source: string;
  /** From the first step. */
  readonly offsetMs: number;
  /** From the step before; 0 for the first. Steps are timed by different processes, so never below 0. */
  readonly tookMs: number;
  readonly span: Span;
}

export interface Timeline {
  readonly startMs: number;
  readonly endMs: number;
  /** Where the first step lies. */
  readonly zero: number;
  readonly ticks: readonly { readonly offsetMs: number; readonly position: number }[];
  readonly steps: readonly TimelineStep[];
  /** Where the outage lies; null without a traffic source or before service came back. */
  readonly outage: Span | null;
}

/**
 * Lays a failover out on one scale whose zero is its first step. The outage as traffic saw it ends at the
 * first served request and usually begins before the detection, so the scale may start below zero.
 */
export function layOutTimeline(failover: FailoverView): Timeline {
  const origin = failover.steps[0]?.at ?? 0;
  const offsets = failover.steps.map((step) => step.at - origin);
  const served = failover.steps.find((step) => step.name === 'first-served');
  const outageEndMs = served === undefined ? null : served.at - origin;
  const outageStartMs =
    outageEndMs === null || failover.outageMs === null ? null : outageEndMs - failover.outageMs;
  const startMs = Math.min(0, outageStartMs ?? 0, ...offsets);
  const endMs = Math.max(startMs + 1, ...offsets);
  const position = (offsetMs: number): number => (offsetMs - startMs) / (endMs - startMs);
  const between = (from: number, to: number): Span => ({
    start: position(Math.min(from, to)),
    length: Math.max(0, position(to) - position(from)),
  });
  return {
    startMs,
    endMs,
    zero: position(0),
    ticks: ticksBetween(startMs, endMs).map((offsetMs) => ({ offsetMs, position: position(offsetMs) })),
    steps: failover.steps.map((step, index) => {
      const offsetMs = offsets[index] ?? 0;
      const previousMs = offsets[index - 1] ?? offsetMs;
      return {
        name: step.name,
        source: step.source,
        offsetMs,
        tookMs: Math.max(0, offsetMs - previousMs),
        span: between(previousMs, offsetMs),
      };
    }),
    outage: outageStartMs === null || outageEndMs === null ? null : between(outageStartMs, outageEndMs),
  };
}

/** Round numbers (1, 2, 5 × a power of ten) inside the range, at most three, so that their labels do not touch, zero always among them. */
export function ticksBetween(startMs: number, endMs: number): number[] {
  const rough = (endMs - startMs) / 2.5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const ticks: number[] = [];
  for (let index = Math.ceil(startMs / step); index * step <= endMs; index += 1) ticks.push(index * step);
  return ticks;
}

/** What a step means, for somebody who sees it the first time. */
export function explainStep(name: string): string {
  return stepMeanings[name] ?? '';
}

const stepMeanings: Readonly<Record<string, string>> = {
  detected: 'the slot is seen to be free',
  fenced: 'the former holder is silent for certain',
  decided: 'a council majority agreed',
  committed: 'its state is in place',
  switched: 'address moved, fence open',
  serving: 'the successor acts',
  'first-served': 'first answer to a request',
};

/** The cause in words; a cause that this page does not know is shown as it came. */
export function explainCause(cause: string): string {
  return causeMeanings[cause] ?? cause;
}

const causeMeanings: Readonly<Record<string, string>> = {
  genesis: 'the slot was taken for the first time',
  'lease-expired': 'the holder stopped renewing and its lease ran out',
  'function-exit': 'the holder’s process ended and its agent released the slot',
  'function-unhealthy': 'the holder failed its health check and was released',
  clock: "the clock of the holder's node runs at another rate than the others', and it let go",
  handover: 'a hand-over was asked for',
};

/** What failed, in words. */
export function explainClass(failure: NonNullable<FailoverView['class']>): string {
  switch (failure) {
    case 'function':
      return 'the function';
    case 'node':
      return 'its node, or the way to it';
    case 'pause':
      return 'nothing for good: its node stood still';
    case 'link':
      return 'a link that the slot needs';
    case 'several':
      return 'several nodes at once';
    case 'planned':
      return 'nothing: it was wanted';
  }
}

export function explainFencing({ fencedBy, from, fromNode }: FailoverView): string {
  switch (fencedBy) {
    case 'hook':
      return 'Hook: the old holder’s node has no kernel fence, so the declared command switched it off before its successor opened.';
    case 'release':
      return 'Released: the old holder gave the slot back, its fence closed, before its successor could act.';
    case 'timeout':
      return 'Timeout: the successor waited until the old holder’s lease had run out. A kernel fence is closed by then, by the kernel’s own clock.';
    case 'none':
      return from === null
        ? 'Not fenced: nobody held the slot before.'
        : `Not fenced: ${fromNode} has no kernel fence and no hook is declared, so it could be heard until it noticed that its lease was over.`;
  }
}

/** Who timed the steps: the clocks of two sources need not agree. */
export function describeSources(failover: FailoverView): string {
  const steps = new Map<string, string[]>();
  for (const { name, source } of failover.steps) steps.set(source, [...(steps.get(source) ?? []), name]);
  const [first, ...others] = steps;
  if (first === undefined) return '';
  return [
    `Timed by ${first[0]}`,
    ...others.map(([source, names]) => `${joinNames(names)} by ${source}`),
  ].join('; ');
}

/** One sentence for the live region and the head of the page. */
export function describeFailover(failover: FailoverView): string {
  const slot = `${failover.pool} slot ${failover.slot}`;
  const { from, to, fromNode, toNode } = failover;
  const moved = `${to} took ${slot} along from ${fromNode} to ${toNode}`;
  const taken =
    from === to ? moved : from === null ? `${to} took ${slot}` : `${to} took over ${slot} from ${from}`;
  const outage =
    failover.outageMs === null ? '' : ` Traffic saw an outage of ${Math.round(failover.outageMs)} ms.`;
  return `${taken}.${outage}`;
}
