// SPDX-License-Identifier: Apache-2.0
import type { KnownPolicy } from '@vnfpool/wire/parameters';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TestPool } from './pools.ts';

type Step =
  | { set: number; load: number; degradation: number; distance: number }
  | { remove: number }
  | { select: number };

/** Few loads, so that they meet, with both ends. */
const load = fc.constantFrom(0, 1, 2, 0x7fffffff, 0xfffffffe, 0xffffffff);
const id = fc.integer({ min: 1, max: 24 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ set: id, load, degradation: load, distance: fc.constantFrom(0, 50, 100) }),
  fc.record({ remove: id }),
  { weight: 2, arbitrary: fc.record({ select: fc.integer({ min: 0, max: 30 }) }) },
);

interface Entry {
  load: number;
  degradation: number;
  distance: number;
  uses: number;
  usedAt: number;
}

/** A policy as one reads it: sort everything, each time. */
class SlowTwin {
  readonly #all = new Map<number, Entry>();
  readonly #keyOf: (entry: Entry) => bigint;
  readonly #increment: number;
  #clock = 0;
  constructor(keyOf: (entry: Entry) => bigint, increment: number) {
    this.#keyOf = keyOf;
    this.#increment = increment;
  }
  set(element: number, values: Omit<Entry, 'uses' | 'usedAt'>): void {
    const usedAt = this.#all.get(element)?.usedAt ?? this.#clock++;
    this.#all.set(element, { ...values, uses: 0, usedAt });
  }
  remove(element: number): void {
    this.#all.delete(element);
  }
  select(count: number): number[] {
    const sorted = [...this.#all].toSorted(([, a], [, b]) => {
      const [left, right] = [this.#keyOf(a), this.#keyOf(b)];
      return left < right ? -1 : left > right ? 1 : a.usedAt - b.usedAt;
    });
    const chosen = sorted.slice(0, count);
    for (const [, entry] of chosen.slice(0, this.#increment)) {
      entry.usedAt = this.#clock++;
      entry.uses += 1;
    }
    return chosen.map(([element]) => element);
  }
}

const FULL = 0xffffffffn;
const cap = (value: bigint): bigint => (value > FULL ? FULL : value);
const sum = (...values: number[]): bigint => cap(values.reduce((total, value) => total + BigInt(value), 0n));
const PENALTY = 42_950;

/** Each ordered policy: how an element says its values, and its key in exact arithmetic. */
const POLICIES: readonly [
  string,
  (values: { load: number; degradation: number; distance: number }) => KnownPolicy,
  (entry: Entry) => bigint,
][] = [
  ['round-robin', () => ({ type: 'round-robin' }), () => 0n],
  ['priority', (at) => ({ type: 'priority', priority: at.load }), (at) => -BigInt(at.load)],
  ['least-used', (at) => ({ type: 'least-used', load: at.load }), (at) => BigInt(at.load)],
  [
    'least-used-degradation',
    ({ load: is, degradation }) => ({ type: 'least-used-degradation', load: is, degradation }),
    (at) => sum(at.load, at.uses * at.degradation),
  ],
  [
    'priority-least-used',
    ({ load: is, degradation }) => ({ type: 'priority-least-used', load: is, degradation }),
    (at) => sum(at.load, at.degradation),
  ],
  [
    'priority-least-used-degradation',
    ({ load: is, degradation }) => ({ type: 'priority-least-used-degradation', load: is, degradation }),
    (at) => sum(at.load, at.degradation, at.uses * at.degradation),
  ],
  [
    'least-used-distance',
    (at) => ({
      type: 'least-used-distance',
      load: at.load,
      loadDistancePenalty: PENALTY,
      distance: at.distance,
    }),
    (at) => sum(at.load, at.distance * PENALTY),
  ],
  [
    'least-used-degradation-distance',
    (at) => ({
      type: 'least-used-degradation-distance',
      load: at.load,
      degradation: at.degradation,
      loadDistancePenalty: PENALTY,
      distance: at.distance,
    }),
    (at) => sum(at.load, at.uses * at.degradation, at.distance * PENALTY),
  ],
];

/** 0: the policy's own, 1. */
const INCREMENTS = [0, 1, 3, 1000];

test.each(POLICIES)('%s agrees with its slow twin', (_name, policyOf, keyOf) => {
  fc.assert(
    fc.property(
      fc.constantFrom(...INCREMENTS),
      fc.array(step, { minLength: 20, maxLength: 120 }),
      (maxIncrement, steps) => {
        const pool = new TestPool([], { maxIncrement });
        const twin = new SlowTwin(keyOf, maxIncrement === 0 ? 1 : maxIncrement);
        for (const action of steps) {
          if ('set' in action) {
            pool.set(action.set, policyOf(action));
            twin.set(action.set, action);
          } else if ('remove' in action) {
            pool.delete(action.remove);
            twin.remove(action.remove);
          } else {
            expect(pool.select(action.select)).toEqual(twin.select(action.select));
          }
        }
      },
    ),
  );
});
