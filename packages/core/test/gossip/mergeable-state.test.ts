// SPDX-License-Identifier: Apache-2.0
import type { MergeableState, Update } from '@vnfpool/core/gossip';
import { describe, expect, test } from 'vitest';
import { add, copyOf, count, discard, dump, joined, octets, remove, seen, stateOf, write } from './states.ts';

type Script = readonly Update[];

interface Row {
  readonly name: string;
  /** Known to both before. */
  readonly before: Script;
  /** At two instances that do not hear of each other. */
  readonly one: Script;
  readonly other: Script;
  readonly shown: unknown;
}

const nothing = { count: null, value: null, elements: [] };

const ROWS: readonly Row[] = [
  {
    name: 'counts add up',
    before: [count('k', 5)],
    one: [count('k', 2)],
    other: [count('k', -3)],
    shown: { ...nothing, count: 4 },
  },
  {
    name: 'a count of 0 is one',
    before: [],
    one: [count('k', 0)],
    other: [],
    shown: { ...nothing, count: 0 },
  },
  {
    name: 'the later write stays',
    before: [],
    one: [write('k', 'a')],
    other: [write('j', 'x'), write('k', 'b')],
    shown: { ...nothing, value: 'b' },
  },
  {
    name: 'of equal times the higher origin stays',
    before: [],
    one: [write('k', 'a')],
    other: [write('k', 'b')],
    shown: { ...nothing, value: 'b' },
  },
  {
    name: 'an addition wins against a removal',
    before: [add('k', 'x')],
    one: [add('k', 'x')],
    other: [discard('k', 'x')],
    shown: { ...nothing, elements: ['x'] },
  },
  {
    name: 'a removal of what both know removes',
    before: [add('k', 'x'), add('k', 'y')],
    one: [discard('k', 'x')],
    other: [],
    shown: { ...nothing, elements: ['y'] },
  },
  {
    name: 'two removals are one',
    before: [add('k', 'x')],
    one: [discard('k', 'x')],
    other: [discard('k', 'x')],
    shown: nothing,
  },
  {
    name: 'an addition after a removal stays',
    before: [add('k', 'x')],
    one: [discard('k', 'x'), add('k', 'x')],
    other: [discard('k', 'x')],
    shown: { ...nothing, elements: ['x'] },
  },
  {
    name: 'two additions are one element',
    before: [],
    one: [add('k', 'x')],
    other: [add('k', 'x')],
    shown: { ...nothing, elements: ['x'] },
  },
  {
    name: 'a key is removed with everything',
    before: [add('k', 'x'), count('k', 3), write('k', 'v')],
    one: [remove('k')],
    other: [],
    shown: nothing,
  },
  {
    name: 'what came at the same time stays of a removed key',
    before: [add('k', 'x'), count('k', 3)],
    one: [remove('k')],
    other: [add('k', 'y'), write('k', 'v')],
    shown: { ...nothing, value: 'v', elements: ['y'] },
  },
  {
    name: 'a write wins against a removal of the key',
    before: [write('k', 'a')],
    one: [remove('k')],
    other: [write('k', 'b')],
    shown: { ...nothing, value: 'b' },
  },
  {
    name: 'whoever counts while the key is removed keeps what it had counted',
    before: [],
    one: [count('k', 1), remove('k')],
    other: [count('k', 4)],
    shown: { ...nothing, count: 4 },
  },
  {
    name: 'a removed counter begins anew',
    before: [count('k', 7)],
    one: [remove('k'), count('k', 1)],
    other: [],
    shown: { ...nothing, count: 1 },
  },
  {
    name: 'a removal of nothing is nothing',
    before: [],
    one: [remove('k'), discard('k', 'x')],
    other: [add('k', 'x')],
    shown: { ...nothing, elements: ['x'] },
  },
];

const play = (state: MergeableState, script: Script): void => {
  for (const update of script) expect(state.update(update, 1000)).toBeNull();
};

describe('at the same time:', () => {
  test.each(ROWS)('$name', ({ before, one, other, shown }) => {
    const [a, b] = [stateOf(1), stateOf(2)];
    play(a, before);
    b.merge(a);
    play(a, one);
    play(b, other);
    a.merge(b);
    b.merge(a);
    expect(seen(a, 'k')).toEqual(shown);
    expect(dump(b)).toEqual(dump(a));
  });
});

test('a count goes on from what another life of the same origin left', () => {
  const [old, peer, young] = [stateOf(1), stateOf(2), stateOf(1, { incarnation: 2n })];
  old.update(count('k', 5), 0);
  peer.merge(old);
  young.update(count('k', 1), 0);
  young.merge(peer);
  young.update(count('k', 1), 0);
  peer.merge(young);
  expect(peer.counter(octets('k'))).toBe(7);
});

test('a register written later has a later time, whatever the clock says', () => {
  const [a, b] = [stateOf(9), stateOf(1)];
  a.update(write('k', 'from the future'), 9_000_000);
  b.merge(a);
  b.update(write('k', 'after it'), 5);
  a.merge(b);
  expect(seen(a, 'k')).toMatchObject({ value: 'after it' });
});

describe('an origin that is gone', () => {
  const three = (): readonly [MergeableState, MergeableState, MergeableState] => {
    const [a, b, gone] = [stateOf(1), stateOf(2), stateOf(3)];
    for (const update of [count('n', 4), write('r', 'v'), add('s', 'x'), add('s', 'y')])
      gone.update(update, 50);
    a.update(count('n', 1), 0);
    a.merge(gone);
    b.merge(a);
    return [a, b, gone];
  };

  test('leaves its values to the heir, and no trace in the vector', () => {
    const [a, b] = three();
    expect(a.forget({ origin: 3, incarnation: 1n })).toBeNull();
    b.merge(a);
    for (const state of [a, b]) {
      expect(state.counter(octets('n'))).toBe(5);
      expect(seen(state, 'r')).toMatchObject({ value: 'v' });
      expect(seen(state, 's')).toMatchObject({ elements: ['x', 'y'] });
      expect([...state.vector.keys()]).not.toContain('3.1');
    }
    expect(dump(b)).toEqual(dump(a));
  });

  test('is not taken from anybody again', () => {
    const [a, b, gone] = three();
    const stale = copyOf(b);
    a.forget({ origin: 3, incarnation: 1n });
    a.update(discard('s', 'x'), 0);
    a.update(count('n', -5), 0);
    a.merge(stale);
    a.merge(gone);
    expect(seen(a, 's')).toMatchObject({ elements: ['y'] });
    expect(a.counter(octets('n'))).toBe(0);
  });

  test('may come back in a later life', () => {
    const [a] = three();
    a.forget({ origin: 3, incarnation: 1n });
    const again = stateOf(3, { incarnation: 2n });
    again.merge(a);
    expect(again.update(count('n', 1), 0)).toBeNull();
    a.merge(again);
    expect(a.counter(octets('n'))).toBe(6);
  });

  test('changes nothing any more once it hears of it', () => {
    const [a, , gone] = three();
    a.forget({ origin: 3, incarnation: 1n });
    gone.merge(a);
    expect(gone.update(count('n', 1), 0)).toBe('gone');
    expect(gone.retired).toBe('gone');
    expect(dump(gone)).toEqual(dump(a));
  });

  test('is never ourselves', () => {
    const [a] = three();
    expect(a.forget({ origin: 1, incarnation: 1n })).toBe('self');
    expect(a.forget({ origin: 1, incarnation: 0n })).toBeNull();
  });

  test('has a place in a list that is bounded', () => {
    const a = stateOf(1);
    for (let origin = 10; origin < 138; origin += 1) expect(a.forget({ origin, incarnation: 1n })).toBeNull();
    expect(a.forget({ origin: 138, incarnation: 1n })).toBe('floors');
    expect(a.forget({ origin: 10, incarnation: 2n })).toBeNull();
  });
});

test('an incarnation that was used before is found out, and then changes nothing', () => {
  const [old, peer, again] = [stateOf(1), stateOf(2), stateOf(1)];
  old.update(count('k', 5), 0);
  peer.merge(old);
  again.merge(peer);
  expect(again.update(count('k', 1), 0)).toBe('incarnation');
});

describe('bounds', () => {
  test('cells', () => {
    const a = stateOf(1, { bounds: { cellsMax: 2 } });
    a.update(add('k', 'x'), 0);
    a.update(count('k', 1), 0);
    const before = dump(a);
    expect(a.update(add('k', 'y'), 0)).toBe('cells');
    expect(dump(a)).toEqual(before);
    // What is there can change, and what goes makes room.
    expect(a.update(count('k', 1), 0)).toBeNull();
    expect(a.update(discard('k', 'x'), 0)).toBeNull();
    expect(a.update(add('k', 'y'), 0)).toBeNull();
  });

  test('octets', () => {
    const a = stateOf(1, { bounds: { octetsMax: 100 } });
    expect(a.update(write('k', 'x'.repeat(60)), 0)).toBeNull();
    expect(a.octets).toBe(93);
    expect(a.update(add('k', 'x'), 0)).toBe('octets');
    expect(a.update(write('k', 'x'.repeat(80)), 0)).toBe('octets');
    expect(a.update(write('k', 'x'), 0)).toBeNull();
    expect(a.update(add('k', 'x'), 0)).toBeNull();
    expect(a.octets).toBe(68);
  });

  test('more than twice as much from others is not taken', () => {
    const a = stateOf(1, { bounds: { cellsMax: 2, stepsMax: 0 } });
    const small = stateOf(2);
    for (let at = 0; at < 4; at += 1) small.update(add('k', `${at}`), 0);
    expect(a.merge(small).isTaken).toBe(true);
    const before = dump(a);
    small.update(add('k', 'one more'), 0);
    expect(a.merge(small).isTaken).toBe(false);
    expect(dump(a)).toEqual(before);
  });

  test('octets from others', () => {
    const a = stateOf(1, { bounds: { octetsMax: 100 } });
    const other = stateOf(2);
    other.update(write('k', 'x'.repeat(300)), 0);
    expect(a.merge(other).isTaken).toBe(false);
    other.update(write('k', 'x'), 0);
    expect(a.merge(other).isTaken).toBe(true);
  });

  test('replicas', () => {
    const a = stateOf(1, { bounds: { replicasMax: 2 } });
    for (const origin of [2, 3]) {
      const other = stateOf(origin);
      other.update(count('k', 1), 0);
      a.merge(other);
    }
    expect(a.update(count('k', 1), 0)).toBe('replicas');
    expect(a.forget({ origin: 3, incarnation: 1n })).toBe('replicas');
    expect(a.counter(octets('k'))).toBe(2);
  });

  test('more replicas than a message lists are not taken', () => {
    const a = stateOf(1);
    for (let origin = 2; origin < 258; origin += 1) {
      const other = stateOf(origin);
      other.update(count('k', 1), 0);
      expect(a.merge(other).isTaken).toBe(true);
    }
    const other = stateOf(999);
    other.update(count('k', 1), 0);
    expect(a.merge(other).isTaken).toBe(false);
    expect(a.counter(octets('k'))).toBe(256);
  });

  test('steps: the older half of the longest row goes, and with it what is left of removed cells', () => {
    const a = stateOf(1, { bounds: { stepsMax: 10 } });
    for (let at = 0; at < 100; at += 1) {
      a.update(add('k', `${at}`), 0);
      a.update(discard('k', `${at}`), 0);
    }
    expect(a.stepCount).toBeLessThanOrEqual(10);
    expect(a.emptyCount).toBeLessThanOrEqual(10);
    expect(a.tellDelta(new Map(), 1e6)).toBe('behind');
  });

  test('nothing is left of removed cells when all know of it', () => {
    const a = stateOf(1);
    for (let at = 0; at < 100; at += 1) {
      a.update(add('k', `${at}`), 0);
      a.update(discard('k', `${at}`), 0);
    }
    expect(a.emptyCount).toBe(100);
    a.forgetSteps(() => Number.POSITIVE_INFINITY);
    expect([a.emptyCount, a.stepCount]).toEqual([0, 0]);
  });

  test.each([
    ['a key', add('k'.repeat(1025), 'x')],
    ['an element', add('k', 'x'.repeat(1025))],
    ['a value', write('k', 'x'.repeat(1025))],
  ])('%s that is too long', (_, update) => expect(stateOf(1).update(update, 0)).toBe('value'));

  test.each([0.5, Number.NaN, 2 ** 53])('a count by %s', (by) => {
    expect(stateOf(1).update(count('k', by), 0)).toBe('value');
  });

  test('a count beyond 2^53 - 1', () => {
    const a = stateOf(1);
    expect(a.update(count('k', Number.MAX_SAFE_INTEGER), 0)).toBeNull();
    expect(a.update(count('k', 1), 0)).toBe('value');
    expect(a.counter(octets('k'))).toBe(Number.MAX_SAFE_INTEGER);
  });

  test('a register that many lives wrote at once is written anew', () => {
    const a = stateOf(1);
    let all = stateOf(1000);
    for (let origin = 2; origin < 43; origin += 1) {
      const other = stateOf(origin);
      other.update(write('k', `${origin}`), 0);
      all = joined(all, other);
    }
    a.merge(all);
    expect([...a.cells()].map(({ entries }) => entries.size)).toEqual([1]);
    expect(seen(a, 'k')).toMatchObject({ value: '42' });
  });
});
