// SPDX-License-Identifier: Apache-2.0
import { type MergeableState, nameOf, type Update } from '@vnfpool/core/gossip';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { add, copyOf, count, discard, dump, joined, octets, remove, seen, stateOf, write } from './states.ts';

const key = fc.constantFrom('a', 'b');
const element = fc.constantFrom('x', 'y', 'z');
const kinds = {
  count: fc.tuple(key, fc.integer({ min: -3, max: 3 })).map(([k, by]) => count(k, by)),
  write: fc.tuple(key, element).map(([k, value]) => write(k, value)),
  set: fc.tuple(key, element, fc.boolean()).map(([k, e, adds]) => (adds ? add(k, e) : discard(k, e))),
  remove: key.map(remove),
};
type Op =
  | { readonly type: 'update'; readonly at: number; readonly update: Update; readonly wallMs: number }
  | { readonly type: 'merge'; readonly at: number; readonly from: number; readonly bytesMax: number };

const SITES = 3;
const site = fc.nat(SITES - 1);
const story = (updates: fc.Arbitrary<Update>): fc.Arbitrary<readonly Op[]> =>
  fc.array(
    fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({
          type: fc.constant('update' as const),
          at: site,
          update: updates,
          wallMs: fc.nat(9),
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record({
          type: fc.constant('merge' as const),
          at: site,
          from: site,
          // A few cells, or all.
          bytesMax: fc.constantFrom(150, 1e6, Number.POSITIVE_INFINITY),
        }),
      },
    ),
    { maxLength: 40 },
  );

/** Steps told one by one, as many as fit; all that there is where they are not kept. */
function exchange(at: MergeableState, from: MergeableState, bytesMax: number): void {
  const delta = from.tellDelta(at.vector, bytesMax);
  if (delta === 'behind' || bytesMax === Number.POSITIVE_INFINITY) at.merge(from);
  else if (delta !== null) at.mergeDelta(delta);
}

function told(ops: readonly Op[], stepsMax = 65_536): readonly MergeableState[] {
  const sites = Array.from({ length: SITES }, (_, at) => stateOf(at + 1, { bounds: { stepsMax } }));
  for (const op of ops) {
    const state = sites[op.at] as MergeableState;
    if (op.type === 'update') state.update(op.update, op.wallMs);
    else exchange(state, sites[op.from] as MergeableState, op.bytesMax);
  }
  return sites;
}

const all = fc.oneof(...Object.values(kinds));

describe.each(Object.entries({ ...kinds, set: fc.oneof(kinds.set, kinds.remove), all }))(
  'merging, %s:',
  (_, updates) => {
    test('is commutative, associative and idempotent', () => {
      fc.assert(
        fc.property(story(updates), (ops) => {
          const [a, b, c] = told(ops) as [MergeableState, MergeableState, MergeableState];
          expect(dump(joined(a, b))).toEqual(dump(joined(b, a)));
          expect(dump(joined(joined(a, b), c))).toEqual(dump(joined(a, joined(b, c))));
          expect(dump(joined(a, a))).toEqual(dump(a));
          expect(dump(joined(joined(a, b), b))).toEqual(dump(joined(a, b)));
          expect(dump(copyOf(a))).toEqual(dump(a));
        }),
        { numRuns: 150 },
      );
    });

    test('by steps, in pieces of any size and with rows of any length, ends where merging all ends', () => {
      fc.assert(
        fc.property(story(updates), fc.constantFrom(0, 3, 65_536), (ops, stepsMax) => {
          const sites = told(ops, stepsMax);
          const end = dump(sites.reduce(joined, stateOf(0)));
          for (let round = 0; round < 60; round += 1)
            for (const at of sites) for (const from of sites) exchange(at, from, 200);
          for (const state of sites) expect(dump(state)).toEqual(end);
        }),
        { numRuns: 60 },
      );
    });
  },
);

test('is so too while an origin is being forgotten', () => {
  fc.assert(
    fc.property(story(all), story(all), fc.nat(SITES - 2), (before, after, heir) => {
      const sites = told(before);
      (sites[heir] as MergeableState).forget({ origin: SITES, incarnation: 1n });
      for (const op of after) {
        const state = sites[op.at] as MergeableState;
        if (op.type === 'update') state.update(op.update, op.wallMs);
        else exchange(state, sites[op.from] as MergeableState, op.bytesMax);
      }
      const [a, b, c] = sites as [MergeableState, MergeableState, MergeableState];
      const end = dump(joined(joined(a, b), c));
      expect(dump(joined(a, joined(b, c)))).toEqual(end);
      expect(dump(joined(c, joined(b, a)))).toEqual(end);
      expect(JSON.stringify(end)).not.toContain(`${SITES}.1:`);
    }),
    { numRuns: 200 },
  );
});

/** The obviously right twin: every step that ever was, with those that it replaced. */
interface Step {
  readonly dot: string;
  readonly replica: string;
  readonly cell: string;
  /** Null: it only took away. */
  readonly value: { readonly count?: number; readonly text?: string; readonly order?: string } | null;
  readonly replaced: readonly string[];
}

class Twin {
  readonly steps = new Map<string, Step>();
  readonly #replica: string;
  #version = 0;

  constructor(replica: string) {
    this.#replica = replica;
  }

  live(cell: string): Step[] {
    const replaced = new Set([...this.steps.values()].flatMap((step) => step.replaced));
    return [...this.steps.values()].filter(
      (step) => step.cell === cell && step.value !== null && !replaced.has(step.dot),
    );
  }

  step(cell: string, value: Step['value'], replaced: readonly Step[]): void {
    const dot = `${this.#replica}:${++this.#version}`;
    this.steps.set(dot, {
      dot,
      replica: this.#replica,
      cell,
      value,
      replaced: replaced.map((one) => one.dot),
    });
  }

  update(update: Update, order: string): void {
    const text = String.fromCharCode(...update.key);
    const element = 'element' in update ? String.fromCharCode(...update.element) : '';
    switch (update.type) {
      case 'count': {
        const mine = this.live(`counter ${text}`).filter(({ replica }) => replica === this.#replica);
        if (update.by === 0 && mine.length > 0) break;
        this.step(`counter ${text}`, { count: (mine[0]?.value?.count ?? 0) + update.by }, mine);
        break;
      }
      case 'write': {
        const cell = `register ${text}`;
        this.step(cell, { text: String.fromCharCode(...update.value), order }, this.live(cell));
        break;
      }
      case 'add':
        this.step(`element ${text} ${element}`, {}, this.live(`element ${text} ${element}`));
        break;
      case 'discard':
        this.clear(`element ${text} ${element}`);
        break;
      case 'remove':
        for (const cell of new Set([...this.steps.values()].map((step) => step.cell)))
          if (cell.split(' ')[1] === text) this.clear(cell);
        break;
    }
  }

  clear(cell: string): void {
    const live = this.live(cell);
    if (live.length > 0) this.step(cell, null, live);
  }

  merge(other: Twin): void {
    for (const [dot, step] of other.steps) this.steps.set(dot, step);
  }

  seen(text: string): unknown {
    const counts = this.live(`counter ${text}`);
    const written = this.live(`register ${text}`).sort((one, other) =>
      (one.value?.order ?? '') < (other.value?.order ?? '') ? 1 : -1,
    );
    return {
      count: counts.length === 0 ? null : counts.reduce((sum, { value }) => sum + (value?.count ?? 0), 0),
      value: written[0]?.value?.text ?? null,
      elements: ['x', 'y', 'z'].filter((element) => this.live(`element ${text} ${element}`).length > 0),
    };
  }
}

test('shows what the history of all steps shows', () => {
  fc.assert(
    fc.property(story(all), (ops) => {
      const sites = Array.from({ length: SITES }, (_, at) => ({
        state: stateOf(at + 1),
        twin: new Twin(nameOf({ origin: at + 1, incarnation: 1n })),
      }));
      ops.forEach((op, at) => {
        const site = sites[op.at] as (typeof sites)[number];
        if (op.type === 'update') {
          // Times of their own, so that the twin needs no clock.
          site.state.update(op.update, at);
          site.twin.update(op.update, String(at).padStart(3, '0'));
        } else {
          const from = sites[op.from] as (typeof sites)[number];
          site.state.merge(from.state);
          site.twin.merge(from.twin);
        }
        for (const name of ['a', 'b']) expect(seen(site.state, name)).toEqual(site.twin.seen(name));
      });
    }),
    { numRuns: 300 },
  );
});

test('what one adds while others remove is there', () => {
  fc.assert(
    fc.property(story(kinds.set), (ops) => {
      const [a, b, c] = told(ops) as [MergeableState, MergeableState, MergeableState];
      a.update(add('k', 'new'), 0);
      b.merge(a);
      c.merge(a);
      for (const state of [b, c]) state.update(remove('k'), 0);
      a.update(add('k', 'new'), 0);
      const end = joined(joined(b, a), c);
      expect(end.hasElement(octets('k'), octets('new'))).toBe(true);
      // And what nobody added anew is not.
      b.merge(a);
      b.update(remove('k'), 0);
      expect(joined(joined(a, c), b).hasElement(octets('k'), octets('new'))).toBe(false);
    }),
    { numRuns: 50 },
  );
});
