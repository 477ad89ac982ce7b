// SPDX-License-Identifier: Apache-2.0
import { SessionGate, SessionMovedError, type StateKind, TrackedMap, TrackedSessions } from '@vnfpool/client';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const LETTERS = ['a', 'b', 'c', 'd', 'e', 'f'];
const forward = { address: '192.0.2.11', port: 40_100 };

class Side {
  readonly map = new TrackedMap({ entriesMax: 100 });
  readonly sessions: TrackedSessions = new TrackedSessions(this.map, {
    forward: () => forward,
    onArrived: (keys) => void this.told.push(`arrived ${keys.join(' ')}`),
    onMoved: (keys) => void this.told.push(`moved ${keys.join(' ')}`),
  });
  readonly told: string[] = [];

  fill(...keys: string[]): this {
    for (const key of keys) this.map.set(key, 0);
    return this;
  }

  get keys(): string[] {
    return [...this.map.entries()].map(([key]) => key);
  }
}

/** One part from one to the other; tells how many the other then counts. */
async function part(from: Side, to: Side, kind: StateKind): Promise<number> {
  const count = await to.sessions.import(kind, from.sessions.export(kind));
  expect(count).toBe(from.sessions.selectedCount);
  return count;
}

const count = (many: number) => [{ type: 'count', count: many }] as const;

test('some sessions move, with what changed meanwhile; the others stay, and each has one owner', async () => {
  const [from, to] = [new Side().fill('a', 'b', 'c', 'd'), new Side().fill('x')];
  expect(from.sessions.select([{ type: 'ratio', ratio: 0.75 }])).toBe(3);
  expect(await to.sessions.expect()).toEqual(forward);
  expect(await part(from, to, 'snapshot')).toBe(3);
  from.map.set('a', 1);
  from.map.set('d', 1);
  from.map.delete('b');
  from.map.set('e', 1);
  expect(await part(from, to, 'delta')).toBe(2);
  await from.sessions.quiesce();
  const late = from.sessions.change('a', () => from.map.set('a', 2));
  await from.sessions.change('d', () => from.map.set('d', 2));
  expect(await part(from, to, 'last')).toBe(2);
  expect([from.keys, to.keys]).toEqual([['a', 'c', 'd', 'e'], ['x']]);
  expect(to.sessions.accept()).toBe(2);
  from.sessions.moved(forward);
  await expect(late).rejects.toMatchObject({ code: 'moved', forward });
  expect([from.keys, to.keys]).toEqual([
    ['d', 'e'],
    ['x', 'a', 'c'],
  ]);
  expect([to.map.get('a'), from.map.get('d')]).toEqual([1, 2]);
  expect([from.told, to.told]).toEqual([['moved a c'], ['arrived a c']]);
  expect(from.sessions.movedTo('a')).toEqual(forward);
  expect(from.sessions.movedTo('b')).toBeUndefined();
  // Asked again, when an answer was lost.
  from.sessions.moved(null);
  expect([to.sessions.accept(), from.sessions.movedTo('a')]).toEqual([2, forward]);
});

test('a move that fails leaves everything where it was, and lets go of what was held back', async () => {
  const [from, to] = [new Side().fill('a', 'b'), new Side()];
  from.sessions.select(count(1));
  await part(from, to, 'snapshot');
  await from.sessions.quiesce();
  const late = from.sessions.change('a', () => 'changed');
  to.sessions.discard();
  from.sessions.resume();
  expect(await late).toBe('changed');
  expect(to.sessions.accept()).toBe(0);
  expect([from.keys, to.keys]).toEqual([['a', 'b'], []]);
});

test('a session that came back is served again; one that is over is forgotten', async () => {
  const [from, to] = [new Side().fill('a', 'b'), new Side()];
  for (const [one, other] of [
    [from, to],
    [to, from],
  ] as const) {
    one.sessions.select([{ type: 'all' }]);
    await part(one, other, 'snapshot');
    other.sessions.accept();
    one.sessions.moved(null);
  }
  expect(await from.sessions.change('a', () => 'here')).toBe('here');
  await expect(to.sessions.change('b', () => 'here')).rejects.toBeInstanceOf(SessionMovedError);
  to.sessions.forget('b');
  expect(await to.sessions.change('b', () => 'anew')).toBe('anew');
});

test.each([
  ['one that is there already', new Side().fill('b'), 'the session b is here already'],
  ['more than the map takes', new Side().fill(...Array.from({ length: 99 }, (_, at) => `k${at}`)), '100'],
])('%s: nothing is taken', async (_name, to, why) => {
  const from = new Side().fill('a', 'b');
  const before = to.keys;
  from.sessions.select([{ type: 'all' }]);
  const taken = part(from, to, 'snapshot').then(() => to.sessions.accept());
  await expect(taken).rejects.toThrow(why);
  expect(to.keys).toEqual(before);
});

test('a session that began at the destination meanwhile: it does not accept', async () => {
  const [from, to] = [new Side().fill('a'), new Side()];
  from.sessions.select(count(1));
  await part(from, to, 'snapshot');
  to.map.set('a', 7);
  expect(() => to.sessions.accept()).toThrow('there is an entry a already');
  to.sessions.discard();
  expect(to.map.get('a')).toBe(7);
});

test('without a selection nothing is given; only so many moved ones are remembered', async () => {
  const map = new TrackedMap();
  const small = new TrackedSessions(map, { movedMax: 2 });
  expect(() => small.export('snapshot')).toThrow('no sessions are selected');
  await expect(small.quiesce()).rejects.toThrow('no sessions are selected');
  for (const key of ['a', 'b', 'c']) map.set(key, 1);
  expect(await small.expect()).toBeNull();
  small.select([{ type: 'all' }]);
  small.moved(null);
  expect(['a', 'b', 'c'].map((key) => small.movedTo(key))).toEqual([undefined, null, null]);
});

test('whatever happens on the way: before and after there are the same sessions, each at one side', async () => {
  const keys = fc.constantFrom(...LETTERS, 'g', 'h');
  const step = fc.oneof(
    fc.record({ what: fc.constant('select' as const), many: fc.nat(9) }),
    fc.record({ what: fc.constant('change' as const), key: keys }),
    fc.record({ what: fc.constantFrom('snapshot', 'delta', 'quiesce', 'accept', 'fail') }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const [from, to] = [new Side().fill(...LETTERS), new Side().fill('x')];
      const counted = new Map([...LETTERS, 'x'].map((key) => [key, 0]));
      let given: StateKind | null = null;
      const fail = (): void => {
        to.sessions.discard();
        from.sessions.resume();
        given = null;
      };
      const change = (side: Side, key: string): void => {
        const next = (counted.get(key) ?? 0) + 1;
        counted.set(key, next);
        side.map.set(key, next);
      };
      for (const { what, ...more } of steps) {
        if (what === 'select' && 'many' in more) {
          fail();
          from.sessions.select(count(more.many));
          given = 'delta';
          await part(from, to, 'snapshot');
        } else if (what === 'change' && 'key' in more) {
          const { key } = more;
          if (from.map.has(key)) change(from, key);
          else if (to.map.has(key)) change(to, key);
        } else if (what === 'delta' && given !== null) await part(from, to, 'delta');
        else if (what === 'accept' && given !== null) {
          await from.sessions.quiesce();
          await part(from, to, 'last');
          to.sessions.accept();
          from.sessions.moved(null);
          given = null;
        } else if (what === 'fail') fail();
        const all = [...from.map.entries(), ...to.map.entries()];
        expect(all).toHaveLength(7);
        expect(new Map(all)).toEqual(counted);
      }
    }),
  );
});

describe('the gate', () => {
  test('holds back what is meant, waits for what runs, and has a bound', async () => {
    const gate = new SessionGate<string>(1);
    let end = (): void => undefined;
    const running = gate.run('a', () => new Promise<void>((resolve) => (end = resolve)));
    let isHeld = false;
    const held = gate.hold(new Set(['a'])).then(() => (isHeld = true));
    expect(await gate.run('b', () => 'b')).toBe('b');
    expect(isHeld).toBe(false);
    end();
    await Promise.all([running, held]);
    const waiting = gate.run('a', () => 'later');
    await expect(gate.run('a', () => 'too many')).rejects.toMatchObject({ code: 'overloaded' });
    gate.release();
    expect(await waiting).toBe('later');
    expect(gate.isHeld('a')).toBe(false);
  });

  test('a hold that is given up ends', async () => {
    const gate = new SessionGate<string>();
    void gate.run('a', () => new Promise<void>(() => undefined));
    const held = gate.hold(new Set(['a']));
    gate.release();
    await held;
    expect(gate.isHeld('a')).toBe(false);
  });
});
