// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ClockJudge } from '../../src/lease/clock-judge.ts';
import { PeerClock } from '../../src/lease/peer-clock.ts';
import { held, LEASE_MS } from './harness.ts';

const BOUND = 0.01;
const SECOND = 1_000;

/** A generator of fractions, equal for equal seeds. */
function fractions(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** What a way does to a datagram that is sent at a true time: ms until it is read. */
type Way = (trueMs: number, random: () => number) => number;

/** As measured between two busy virtual machines: mostly quick, at times held up by a late loop, seldom by a pause. */
const busy: Way = (_, random) =>
  0.1 - Math.log(1 - random()) * 0.4 + (random() < 0.02 ? random() * 30 : 0) + (random() < 0.001 ? 800 : 0);

interface Trace {
  readonly ownRate?: (trueMs: number) => number;
  readonly peerRates: readonly number[];
  readonly way?: Way;
  /** Steps of clocks at true times: a machine that is frozen with its clock loses time. */
  readonly ownSteps?: readonly (readonly [atMs: number, byMs: number])[];
  readonly peerSteps?: readonly (readonly [atMs: number, byMs: number])[];
  readonly forMs: number;
  readonly seed?: number;
}

/** Plays datagrams of every peer, ten a second, to the judge of node 1; its peers are nodes 2, 3 and so on. */
function play(trace: Trace) {
  const judge = new ClockJudge({
    node: 1,
    driftBound: BOUND,
    windowMs: SECOND,
    startedAtMs: 0,
    isOutside: false,
  });
  const random = fractions(trace.seed ?? 1);
  const verdicts: { node: number; isOutside: boolean; atMs: number }[] = [];
  const stepped = (steps: Trace['ownSteps'], atMs: number) =>
    (steps ?? []).filter(([when]) => when <= atMs).reduce((sum, [, byMs]) => sum + byMs, 0);
  let ownMs = 0;
  let lastMs = 0;
  for (let trueMs = 0; trueMs < trace.forMs; trueMs += 100) {
    for (const [index, rate] of trace.peerRates.entries()) {
      const clockMs = 5e6 + trueMs * rate + (index === 0 ? stepped(trace.peerSteps, trueMs) : 0);
      const readMs = trueMs + (trace.way ?? busy)(trueMs, random);
      ownMs += (Math.max(readMs, lastMs) - lastMs) * (trace.ownRate?.(trueMs) ?? 1);
      lastMs = Math.max(readMs, lastMs);
      const nowMs = ownMs + stepped(trace.ownSteps, lastMs);
      judge.heard(index + 2, BigInt(Math.round(clockMs * 1000)), nowMs);
      for (const verdict of judge.judge(nowMs)) verdicts.push({ ...verdict, atMs: trueMs });
    }
  }
  return { judge, verdicts };
}

describe('clocks within what is allowed', () => {
  const seeds = fc.integer({ min: 1, max: 2 ** 31 });
  const share = fc.integer({ min: -450, max: 450 }).map((n) => (n / 1000) * (BOUND / 2));

  test('are never accused, on a busy host, at any rates near each other', () => {
    fc.assert(
      fc.property(seeds, share, share, share, (seed, own, b, c) => {
        const { verdicts } = play({
          seed,
          ownRate: () => 1 + own,
          peerRates: [1 + b, 1 + c],
          forMs: 120 * SECOND,
        });
        expect(verdicts).toEqual([]);
      }),
      { numRuns: 30 },
    );
  });

  test.each<[string, Partial<Trace>]>([
    ['the own machine was frozen together with its clock', { ownSteps: [[40_000, -900]] }],
    [
      'it was so three times',
      {
        ownSteps: [
          [40_000, -900],
          [46_000, -300],
          [61_000, -2_000],
        ],
      },
    ],
    [
      'a peer was',
      {
        peerSteps: [
          [40_000, -900],
          [52_000, -4_000],
        ],
      },
    ],
    ['a peer started anew: its clock begins again', { peerSteps: [[40_000, -5e6]] }],
    [
      'the way became 40 ms longer, and short again',
      { way: (at, random) => busy(at, random) + (at > 40_000 && at < 70_000 ? 40 : 0) },
    ],
    [
      'the way is full for ten seconds',
      { way: (at, random) => busy(at, random) + (at > 40_000 && at < 50_000 ? random() * 200 : 0) },
    ],
    ['every datagram is late by up to 5 ms', { way: (_, random) => random() * 5 }],
  ])('are not accused when %s', (_, change) => {
    for (let seed = 1; seed <= 10; seed++) {
      expect(play({ peerRates: [1, 1], forMs: 120 * SECOND, seed, ...change }).verdicts).toEqual([]);
    }
  });
});

describe('a clock outside of what is allowed', () => {
  test('finds itself out against the median of its peers, though it is its own measure', () => {
    const { judge, verdicts } = play({ ownRate: () => 1.008, peerRates: [1, 1.001], forMs: 40 * SECOND });
    expect(judge.isOutside(1)).toBe(true);
    expect(verdicts.filter(({ node }) => node !== 1)).toEqual([]);
    expect(verdicts[0]?.atMs).toBeLessThan(25 * SECOND);
  });

  test('of a peer is told by its name', () => {
    const { judge } = play({ peerRates: [1, 0.992], forMs: 40 * SECOND });
    expect([1, 2, 3].filter((node) => judge.isOutside(node))).toEqual([3]);
  });

  test('between two nodes is both of them, from twice the size on', () => {
    expect(play({ peerRates: [1.008], forMs: 40 * SECOND }).verdicts).toEqual([]);
    const { judge } = play({ peerRates: [1.013], forMs: 40 * SECOND });
    expect([1, 2].filter((node) => judge.isOutside(node))).toEqual([1, 2]);
  });

  test('is found while it goes away slowly, before it is at the bound', () => {
    // A tenth of a per mille a second.
    const { verdicts } = play({ ownRate: (at) => 1 + at * 1e-7, peerRates: [1, 1], forMs: 120 * SECOND });
    expect(verdicts).toMatchObject([{ node: 1, isOutside: true }]);
    expect((verdicts[0]?.atMs ?? 0) * 1e-7).toBeLessThan(BOUND);
  });

  test('is taken back once, when it is well inside again', () => {
    const rate = (at: number) => (at < 60_000 ? 1.008 : at < 120_000 ? 1.0045 : 1.001);
    const { verdicts } = play({ ownRate: rate, peerRates: [1, 1], forMs: 180 * SECOND });
    expect(verdicts.map(({ isOutside }) => isOutside)).toEqual([true, false]);
    expect(verdicts[1]?.atMs).toBeGreaterThan(120_000);
  });

  test('is known to the next process of a node, which goes on with what was measured', () => {
    const common = { node: 1, driftBound: BOUND, windowMs: SECOND, isOutside: false };
    const trace = { peerRates: [1, 0.992], way: () => 1 };
    const former = play({ ...trace, forMs: 40 * SECOND }).judge;
    const next = new ClockJudge({ ...common, startedAtMs: 40 * SECOND, handedOn: former.handOn() });
    expect([1, 2, 3].filter((node) => next.isOutside(node))).toEqual([3]);

    // Half of the time is behind it: the other half is enough.
    const early = play({ ...trace, forMs: 12 * SECOND }).judge;
    expect(early.isOutside(3)).toBe(false);
    const goesOn = new ClockJudge({ ...common, startedAtMs: 12 * SECOND, handedOn: early.handOn() });
    const anew = new ClockJudge({ ...common, startedAtMs: 12 * SECOND });
    for (const judge of [goesOn, anew]) {
      for (let at = 12 * SECOND; at < 24 * SECOND; at += 100) {
        judge.heard(2, BigInt(Math.round((5e6 + at) * 1000)), at + 1);
        judge.heard(3, BigInt(Math.round((5e6 + at * 0.992) * 1000)), at + 1);
        judge.judge(at + 1);
      }
    }
    expect([goesOn.isOutside(3), anew.isOutside(3)]).toEqual([true, false]);
  });

  test('stays outside over a restart, and while nobody is heard', () => {
    const judge = new ClockJudge({
      node: 1,
      driftBound: BOUND,
      windowMs: SECOND,
      startedAtMs: 0,
      isOutside: true,
    });
    for (let nowMs = 0; nowMs < 100 * SECOND; nowMs += SECOND) expect(judge.judge(nowMs)).toEqual([]);
    expect(judge.isOutside(1)).toBe(true);
  });
});

describe('the rate against a peer', () => {
  test('is not known from a few datagrams, nor from old ones', () => {
    const clock = new PeerClock(SECOND);
    for (let at = 0; at <= 13 * SECOND; at += SECOND) clock.add(at, at);
    expect(clock.rate(13 * SECOND)).toBeUndefined();
    for (const at of [14 * SECOND, 15 * SECOND]) clock.add(at, at);
    expect(clock.rate(15 * SECOND)).toBeCloseTo(0, 9);
    expect(clock.rate(60 * SECOND)).toBeUndefined();
  });

  test('is measured to a part of what matters, with one datagram a second', () => {
    const random = fractions(7);
    const clock = new PeerClock(SECOND);
    for (let at = 0; at <= 60 * SECOND; at += SECOND) clock.add(at * 0.996, at + busy(at, random));
    expect(Math.abs((clock.rate(60 * SECOND) ?? 0) - 0.004)).toBeLessThan(0.0005);
  });
});

describe('a node with a wrong clock', () => {
  /** Node 1 holds the slot, and all clocks but its own say that it is 0.8 % fast. */
  function wrong() {
    const bench = held();
    bench.clockOf = (from, to) => bench.nowMs * (to === 1 ? 0.992 : from === 1 ? 1.008 : 1);
    bench.run(30 * SECOND);
    return bench;
  }

  test('lets go, says so, and another serves', () => {
    const bench = wrong();
    expect(bench.last('clock', 1)).toMatchObject({ isOutside: true });
    expect(bench.last('lost', 1)).toMatchObject({ reason: 'clock' });
    expect(bench.serving()).toEqual([2]);
    expect(bench.last('granted')).toMatchObject({ cause: 'clock', fencedBy: 'release', node: 2 });
  });

  test('gives no vote, and its requests get none', () => {
    const bench = wrong();
    const prepare = { type: 'prepare', slot: '00000000000000a1', serial: 1, round: 50 } as const;
    const asked = { ...prepare, functionId: 48, functionIncarnation: 1n };
    const answers = (from: number, to: number) =>
      bench.input(to, bench.datagram(from, to, [asked])).filter(({ type }) => type === 'send');
    expect(answers(3, 1)).toMatchObject([{ messages: [{ type: 'refuse', reason: 'mute' }] }]);
    expect(answers(1, 3)).toMatchObject([{ messages: [{ type: 'refuse', reason: 'mute' }] }]);
  });

  test('remembers it over a restart, and comes back when it is right', () => {
    const bench = wrong();
    expect(bench.disks.get(1)?.findLast(({ type }) => type === 'clock')).toEqual({
      type: 'clock',
      isOutside: true,
    });
    bench.stop(1);
    bench.start(1);
    bench.ready(1, 0);
    bench.stop(2);
    bench.run(4 * LEASE_MS);
    expect(bench.serving()).toEqual([]);
    bench.clockOf = () => bench.nowMs;
    bench.run(40 * SECOND);
    expect(bench.last('clock', 1)).toMatchObject({ node: 1, isOutside: false });
    expect(bench.serving()).toHaveLength(1);
  });
});
