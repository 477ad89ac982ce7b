// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Moment, SlotTimers, type Timed } from '../../src/lease/slot-timers.ts';

class Slot implements Timed {
  atMs: number | undefined;
  moment: Moment | undefined;

  wakeMs(): number | undefined {
    return this.atMs;
  }
}

const atMs = fc.option(fc.nat(50), { nil: undefined });
const step = fc.oneof(
  fc.record({ do: fc.constant('change' as const), slot: fc.nat(5), atMs }),
  fc.record({ do: fc.constant('take' as const), nowMs: fc.nat(50) }),
  fc.record({ do: fc.constant('delete' as const), slot: fc.nat(5) }),
);

test('the earliest moment is the earliest of all, though later ones are told late', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const slots = Array.from({ length: 6 }, () => new Slot());
      const timers = new SlotTimers<Slot>();
      const known = new Set<Slot>();
      for (const each of steps) {
        if (each.do === 'take') {
          const due = timers.takeDue(each.nowMs);
          const expected = [...known].filter((slot) => (slot.atMs ?? Number.POSITIVE_INFINITY) <= each.nowMs);
          expect(new Set(due)).toEqual(new Set(expected));
          for (const slot of due) known.delete(slot);
        } else {
          const slot = slots[each.slot] as Slot;
          if (each.do === 'delete') {
            timers.delete(slot);
            known.delete(slot);
          } else {
            const before = slot.atMs;
            slot.atMs = each.atMs;
            // What is put off need not be told; what is brought forward must be.
            const isPutOff = known.has(slot) && before !== undefined && (each.atMs ?? 99) > before;
            if (!isPutOff) timers.update(slot);
            if (each.atMs === undefined) known.delete(slot);
            else if (!isPutOff) known.add(slot);
          }
        }
        const moments = [...known].flatMap((slot) => slot.atMs ?? []);
        expect(timers.next()).toBe(moments.length === 0 ? undefined : Math.min(...moments));
      }
    }),
  );
});

test('who leaves a moment and comes back again and again is named there a few times only, and called once', () => {
  const timers = new SlotTimers<Slot>();
  const [stays, goes] = [new Slot(), new Slot()];
  stays.atMs = 1000;
  timers.update(stays);
  for (let turn = 1; turn <= 500; turn++) {
    goes.atMs = 1000;
    timers.update(goes);
    goes.atMs = turn;
    timers.update(goes);
    expect(timers.takeDue(turn)).toEqual([goes]);
  }
  expect(stays.moment?.owners.length).toBeLessThan(100);
  goes.atMs = 1000;
  timers.update(goes);
  expect(timers.takeDue(1000)).toEqual([stays, goes]);
  expect(timers.next()).toBeUndefined();
});
