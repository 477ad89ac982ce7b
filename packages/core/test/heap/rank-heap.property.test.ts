// SPDX-License-Identifier: Apache-2.0
import { RankHeap } from '@vnfpool/core/heap';
import fc from 'fast-check';
import { expect, test } from 'vitest';

interface Item {
  readonly name: number;
  place: number;
}

const name = fc.nat(60);
// Few ranks, so that sequences decide; not all whole, so that both kinds of numbers are stored.
const rank = fc.constantFrom(-1, 0, 0.5, 1, 0xffffffff);
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ put: name, rank, step: rank }) },
  fc.record({ remove: name }),
  fc.record({ lower: fc.constantFrom(0.25, 1) }),
  fc.record({ first: fc.nat(70) }),
);

test('a heap agrees with a list that is sorted each time', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const heap = new RankHeap<Item>();
      const twin = new Map<number, { item: Item; rank: number; sequence: number; step: number }>();
      let sequence = 0;
      for (const action of steps) {
        if ('put' in action) {
          const known = twin.get(action.put);
          const item = known?.item ?? { name: action.put, place: -1 };
          sequence += 1;
          if (known === undefined) heap.add(item, action.rank, sequence, action.step);
          else heap.move(item, action.rank, sequence, action.step);
          twin.set(action.put, { item, rank: action.rank, sequence, step: action.step });
        } else if ('remove' in action) {
          const known = twin.get(action.remove);
          if (known !== undefined) heap.delete(known.item);
          twin.delete(action.remove);
        } else if ('lower' in action) {
          heap.lower(action.lower);
          for (const entry of twin.values()) entry.rank -= action.lower;
        } else {
          const sorted = [...twin.values()].toSorted((a, b) => a.rank - b.rank || a.sequence - b.sequence);
          expect(heap.size).toBe(twin.size);
          expect(heap.top).toBe(sorted[0]?.item);
          expect(heap.first(action.first)).toEqual(sorted.slice(0, action.first).map(({ item }) => item));
          for (const entry of twin.values()) {
            const { item } = entry;
            expect([heap.rankOf(item), heap.sequenceOf(item), heap.stepOf(item)]).toEqual([
              entry.rank,
              entry.sequence,
              entry.step,
            ]);
          }
        }
      }
    }),
  );
});
