// SPDX-License-Identifier: Apache-2.0
import { type HolderOutput, ReplicaStore, ReplicationStandby } from '@vnfpool/core/replication';
import type { ReplicaMessage } from '@vnfpool/wire/replication';
import { describe, expect, test } from 'vitest';
import { octets, Pair, SLOT } from './pair.ts';

/** A holder with `a=1`, `b=2`, `c=3`, and standby 1, which has all of it and is listed; standby 2 has not come yet. */
function held(init: ConstructorParameters<typeof Pair>[0] = {}): Pair {
  const pair = new Pair(init, [{}, {}]);
  pair.give({ type: 'list', standbys: [] });
  pair.attach(1);
  pair.give({ type: 'list', standbys: [1] });
  pair.update('a', 1);
  pair.update('b', 2);
  pair.update('c', 3);
  forget(pair);
  return pair;
}

function forget(pair: Pair): void {
  pair.told.splice(0);
  pair.sent.splice(0);
}

/** What the holder keeps of it changes, and nobody is told. */
function damage(pair: Pair, key: string): void {
  const value = pair.holder.store.get(key);
  if (value === undefined) throw new Error(`there is no ${key}`);
  value[0] = (value[0] ?? 0) ^ 1;
}

function contents(store: ReplicaStore): Record<string, number[]> {
  return Object.fromEntries([...store].map(({ key, value }) => [key, [...(value ?? [])]]));
}

/** That were sent, of this key. */
function values(pair: Pair, key: string): number[] {
  return pair.sent.flatMap((message) =>
    message.type === 'updates'
      ? message.updates.flatMap((each) => (each.key === key ? [...(each.value ?? [])] : []))
      : [],
  );
}

const whole = { a: [1], b: [2], c: [3] };

describe('a holder whose own copy is damaged', () => {
  test('finds it within a second, says so once, and when it is over', () => {
    const pair = held();
    damage(pair, 'b');
    pair.pass(1_000);
    expect(pair.take('damaged')).toEqual([{ type: 'damaged', keys: ['b'] }]);
    pair.pass(3_000);
    expect(pair.take('damaged')).toEqual([]);
    pair.update('b', 2);
    expect(pair.take('damaged')).toEqual([{ type: 'damaged', keys: [] }]);
    expect(pair.holder.damagesFound).toBe(1);
  });

  test('looks piece by piece, as many keys a second', () => {
    const pair = held({ scrubKeys: 1 });
    damage(pair, 'b');
    pair.pass(1_000);
    expect(pair.take('damaged')).toEqual([]);
    pair.pass(1_000);
    expect(pair.take('damaged')).toEqual([{ type: 'damaged', keys: ['b'] }]);
  });

  test('finds each of several', () => {
    const pair = held();
    damage(pair, 'a');
    damage(pair, 'c');
    pair.pass(1_000);
    expect(pair.take('damaged')).toEqual([{ type: 'damaged', keys: ['a', 'c'] }]);
    pair.update('a', 1);
    expect(pair.take('damaged')).toEqual([]);
  });

  test('does not touch standbys that have all of it', () => {
    const pair = held();
    damage(pair, 'b');
    pair.pass(20_000);
    pair.update('d', 4);
    expect(pair.take('unlist')).toEqual([]);
    expect(pair.holder.views(pair.nowMs)[0]).toMatchObject({
      state: 'following',
      differed: 0,
      lagUpdates: 0,
    });
    expect(contents(pair.standby(1).store)).toEqual({ ...whole, d: [4] });
  });

  test('fills nobody with it, and does not try again and again', () => {
    const pair = held();
    damage(pair, 'b');
    pair.attach(2);
    // Found by who needs it, ahead of the look.
    expect(pair.take('damaged')).toEqual([{ type: 'damaged', keys: ['b'] }]);
    pair.pass(20_000);
    expect(values(pair, 'b')).toEqual([]);
    expect(pair.take('caught-up')).toEqual([]);
    expect(pair.take('drop')).toEqual([]);
    expect(pair.holder.views(pair.nowMs)[1]).toMatchObject({
      state: 'filling',
      isHeldUp: true,
      fills: 1,
      differed: 0,
    });
    expect(pair.standby(2).store.get('b')).toBeUndefined();
  });

  test.each([
    ['told anew as it was', 2],
    ['told anew with another value', 9],
  ])('fills who waits for it once it is %s', (_, value) => {
    const pair = held();
    damage(pair, 'b');
    pair.attach(2);
    pair.pass(2_000);
    pair.update('b', value);
    expect(contents(pair.standby(2).store)).toEqual({ ...whole, b: [value] });
    expect(pair.take('caught-up')).toEqual([{ type: 'caught-up', standby: 2 }]);
    expect(contents(pair.standby(1).store)).toEqual({ ...whole, b: [value] });
    expect(pair.holder.views(pair.nowMs).map(({ differed }) => differed)).toEqual([0, 0]);
  });

  test('fills who waits for it once it is removed', () => {
    const pair = held();
    damage(pair, 'b');
    pair.attach(2);
    pair.pass(2_000);
    pair.remove('b');
    expect(contents(pair.standby(2).store)).toEqual({ a: [1], c: [3] });
  });

  test('has the right digest when the value was only overwritten, found or not', () => {
    const pair = held();
    const { digest } = pair.holder.store;
    damage(pair, 'b');
    pair.update('b', 2);
    expect(pair.holder.store.digest).toBe(digest);
    damage(pair, 'b');
    pair.pass(1_000);
    pair.update('b', 2);
    expect(pair.holder.store.digest).toBe(digest);
    pair.attach(2);
    expect(contents(pair.standby(2).store)).toEqual(whole);
  });

  test('has who is listed and lacks it off the list in three marks, so that the function is not held up', () => {
    const pair = held({ bound: { updates: 1, overload: 'block' } });
    pair.heldUp.add(1);
    pair.update('c', 4);
    expect(pair.holder.room(pair.nowMs)).toBe(0);
    // Its connection breaks before it had that.
    pair.lose(1);
    pair.detach(1);
    pair.give({ type: 'list', standbys: [] });
    damage(pair, 'c');
    pair.attach(1);
    pair.give({ type: 'list', standbys: [1] });
    forget(pair);
    pair.pass(300);
    expect(pair.take('unlist')).toEqual([{ type: 'unlist', standby: 1, reason: 'damage' }]);
    pair.give({ type: 'list', standbys: [] });
    expect(pair.take('room')).toHaveLength(0);
    pair.update('c', 4);
    expect(pair.take('taken').at(-1)).toMatchObject({ count: 1, refused: null });
    expect(contents(pair.standby(1).store)).toEqual({ ...whole, c: [4] });
    expect(pair.take('caught-up')).toEqual([{ type: 'caught-up', standby: 1 }]);
  });

  test('is no standby with a whole state when its epoch is over', () => {
    const pair = held();
    damage(pair, 'b');
    pair.pass(1_000);
    const standby = new ReplicationStandby({ slot: SLOT, kept: pair.holder.kept }, pair.nowMs);
    expect(standby.isWhole).toBe(false);
    const open: ReplicaMessage = { type: 'open', slot: SLOT, epoch: 2, history: [], everyMs: 100 };
    standby.handle({ type: 'attach' }, pair.nowMs);
    expect(standby.handle({ type: 'message', message: open }, pair.nowMs)).toMatchObject([
      { type: 'send', message: { type: 'at', epoch: 0, sequence: 0 } },
    ]);
  });
});

describe('a standby whose copy differs again and again', () => {
  /** One that follows and is listed; it has a state, and the holder the same. */
  function following(): Pair {
    const pair = new Pair();
    pair.give({ type: 'list', standbys: [] });
    pair.attach();
    pair.give({ type: 'list', standbys: [1] });
    pair.update('a', 1);
    forget(pair);
    return pair;
  }

  function differ(pair: Pair): void {
    const value = pair.standby().store.get('a');
    if (value === undefined) throw new Error('it has nothing that could be damaged');
    value[0] = 9;
    const said = pair.take('event').length;
    while (pair.take('event').length === said) pair.pass(10);
    pair.give({ type: 'list', standbys: [] });
    forget(pair);
  }

  /** After how many ms it is fit for the list. */
  function filledAfterMs(pair: Pair): number {
    const beganMs = pair.nowMs;
    let fit: HolderOutput[] = pair.take('caught-up');
    while (fit.length === 0) {
      pair.pass(10);
      fit = pair.take('caught-up');
    }
    pair.give({ type: 'list', standbys: [1] });
    return pair.nowMs - beganMs;
  }

  test('is filled anew at once, and then behind a pause that doubles up to 64 s', () => {
    const pair = following();
    const pauses: number[] = [];
    for (let times = 0; times < 10; times++) {
      differ(pair);
      const fit = pair.standby().isWhole;
      pauses.push(fit ? 0 : filledAfterMs(pair));
      if (fit) pair.give({ type: 'list', standbys: [1] });
    }
    const seconds = pauses.map((ms) => Math.round(ms / 1_000));
    expect(seconds).toEqual([0, 1, 2, 4, 8, 16, 32, 64, 64, 64]);
    expect(pair.holder.views(pair.nowMs)[0]).toMatchObject({ differed: 10, fills: 11 });
  });

  test('is off the list meanwhile, is not lost, and says how long it takes', () => {
    const pair = following();
    differ(pair);
    pair.give({ type: 'list', standbys: [1] });
    differ(pair);
    expect(pair.holder.views(pair.nowMs)[0]).toMatchObject({ state: 'filling', filledInMs: 1_000 });
    pair.pass(900);
    expect(pair.take('caught-up')).toEqual([]);
    expect(pair.take('event')).toEqual([]);
    expect(pair.holder.views(pair.nowMs)[0]).toMatchObject({ state: 'filling', filledInMs: 100 });
    pair.pass(200);
    expect(pair.take('caught-up')).toHaveLength(1);
    expect(pair.holder.views(pair.nowMs)[0]).toMatchObject({ state: 'following', filledInMs: null });
  });

  test('waits over another connection, too', () => {
    const pair = following();
    differ(pair);
    pair.give({ type: 'list', standbys: [1] });
    differ(pair);
    pair.detach();
    pair.attach();
    pair.pass(900);
    expect(pair.take('caught-up')).toEqual([]);
    pair.pass(200);
    expect(pair.take('caught-up')).toHaveLength(1);
    expect(contents(pair.standby().store)).toEqual({ a: [1] });
  });

  test('is filled at once again when it has agreed for 5 s, and for as long as the last pause', () => {
    const pair = following();
    const again = (times: number): void => {
      for (let n = 0; n < times; n++) {
        differ(pair);
        if (!pair.standby().isWhole) filledAfterMs(pair);
        else pair.give({ type: 'list', standbys: [1] });
      }
    };
    again(2);
    pair.pass(5_200);
    differ(pair);
    expect(pair.standby().isWhole).toBe(true);
    pair.give({ type: 'list', standbys: [1] });
    again(5);
    // The last pause was of 16 s.
    pair.pass(10_000);
    differ(pair);
    expect(pair.holder.views(pair.nowMs)[0]?.filledInMs).toBe(32_000);
    filledAfterMs(pair);
    pair.pass(32_500);
    differ(pair);
    expect(pair.standby().isWhole).toBe(true);
  });

  test('that is filled takes what is changed during the pause', () => {
    const pair = following();
    differ(pair);
    pair.give({ type: 'list', standbys: [1] });
    differ(pair);
    pair.update('b', 2);
    pair.remove('a');
    expect(pair.sent.filter(({ type }) => type === 'updates')).toEqual([]);
    filledAfterMs(pair);
    expect(contents(pair.standby().store)).toEqual({ b: [2] });
  });
});

test('a look through a store goes on behind what is damaged', () => {
  const store = new ReplicaStore();
  for (let n = 0; n < 10; n++) store.update(`k${n}`, octets(n));
  for (const key of ['k2', 'k7']) (store.get(key) as Uint8Array)[0] = 99;
  for (let n = 0; n < 5; n++) store.scrub(2);
  expect([...store.damaged]).toEqual(['k2', 'k7']);
  expect(store.damagesFound).toBe(2);
  store.scrub(10);
  expect(store.damagesFound).toBe(2);
  store.update('k2', octets(2));
  store.update('k7', null);
  expect(store.damaged.size).toBe(0);
});
