// SPDX-License-Identifier: Apache-2.0
import { selectorFor } from '@vnfpool/core/handlespace';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seededRandom } from './seeded-random.ts';

type Step = { set: number; load: number } | { remove: number } | { select: number };

const id = fc.integer({ min: 1, max: 8 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ set: id, load: fc.integer({ min: 0, max: 3 }) }),
  fc.record({ remove: id }),
  fc.record({ select: fc.integer({ min: 0, max: 9 }) }),
);

/** Least used as one reads it: sort everything, each time. */
class SlowTwin {
  readonly #all = new Map<number, { load: number; usedAt: number }>();
  #clock = 0;
  set(element: number, load: number): void {
    this.#all.set(element, { load, usedAt: this.#all.get(element)?.usedAt ?? this.#clock++ });
  }
  remove(element: number): void {
    this.#all.delete(element);
  }
  select(count: number): number[] {
    const sorted = [...this.#all].toSorted(([, a], [, b]) => a.load - b.load || a.usedAt - b.usedAt);
    const [first] = count > 0 ? sorted : [];
    if (first !== undefined) first[1].usedAt = this.#clock++;
    return sorted.slice(0, count).map(([element]) => element);
  }
}

test('the ranking agrees with its slow twin', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const selector = selectorFor({ type: 'least-used', load: 0 }, seededRandom(1));
      const twin = new SlowTwin();
      for (const action of steps) {
        if ('set' in action) {
          selector?.set(action.set, { type: 'least-used', load: action.load });
          twin.set(action.set, action.load);
        } else if ('remove' in action) {
          selector?.delete(action.remove);
          twin.remove(action.remove);
        } else {
          expect(selector?.select(action.select)).toEqual(twin.select(action.select));
        }
      }
    }),
  );
});
