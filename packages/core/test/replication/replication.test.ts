// SPDX-License-Identifier: Apache-2.0
import { ReplicaStore, ReplicationStandby, STANDBYS_MAX } from '@vnfpool/core/replication';
import type { ReplicaMessage, ReplicaUpdates } from '@vnfpool/wire/replication';
import { describe, expect, test } from 'vitest';
import { BOUND, octets, Pair, SLOT } from './pair.ts';

const contents = (store: ReplicaStore): unknown => [...store].map(({ key, value }) => [key, value]);
const keysSent = (pair: Pair): string[] =>
  pair.sent
    .splice(0)
    .filter((message): message is ReplicaUpdates => message.type === 'updates')
    .flatMap(({ updates }) => updates.map(({ key }) => key));

/** One standby that follows and is listed. */
function following(init: ConstructorParameters<typeof Pair>[0] = {}, standbys = [{}]): Pair {
  const pair = new Pair(init, standbys);
  pair.give({ type: 'list', standbys: [] });
  for (const number of pair.standbys.keys()) pair.attach(number);
  pair.give({ type: 'list', standbys: [...pair.standbys.keys()] });
  pair.told.splice(0);
  pair.sent.splice(0);
  return pair;
}

describe('a standby', () => {
  test('that is new gets everything, and may be listed then', () => {
    const pair = new Pair();
    pair.give({ type: 'list', standbys: [] });
    pair.update('a', 1);
    pair.update('b', 2);
    pair.remove('a');
    pair.attach();
    expect(contents(pair.standby().store)).toEqual([['b', octets(2)]]);
    expect(pair.standby().position).toEqual({ epoch: 1, sequence: 3 });
    expect(pair.take('caught-up')).toEqual([{ type: 'caught-up', standby: 1 }]);
  });

  test('that was away gets what changed meanwhile, each key once', () => {
    const pair = following();
    pair.update('a', 1);
    pair.update('b', 1);
    pair.detach();
    pair.give({ type: 'list', standbys: [] });
    for (const value of [2, 3, 4]) pair.update('b', value);
    pair.remove('a');
    pair.sent.splice(0);
    pair.attach();
    expect(keysSent(pair)).toEqual(['b', 'a']);
    expect(contents(pair.standby().store)).toEqual([['b', octets(4)]]);
  });

  test('has what is secret as such, and what is kept otherwise before anybody was listed', () => {
    const pair = new Pair({ bound: { updates: 0, overload: 'block' } });
    pair.give({ type: 'list', standbys: [1] });
    pair.give({
      type: 'rewrite',
      updates: [
        { key: 'a', value: octets(1), secret: 'value' },
        { key: 'b', value: octets(), secret: 'name' },
      ],
    });
    expect(pair.holder.room(pair.nowMs)).toBe(0);
    expect(pair.take('taken')).toEqual([]);
    pair.attach();
    expect(pair.take('ready')).toHaveLength(1);
    expect([...pair.standby().store].map(({ key, secret }) => [key, secret])).toEqual([
      ['a', 'value'],
      ['b', 'name'],
    ]);
    pair.give({ type: 'rewrite', updates: [{ key: 'a', value: octets(2) }] });
    expect([...pair.standby().store].map(({ key, secret }) => [key, secret])).toEqual([
      ['b', 'name'],
      ['a', undefined],
    ]);
    expect(pair.standby().position).toEqual({ epoch: 1, sequence: 3 });
  });

  test('that asks for it hears at each mark which keys have changed, or that any may', () => {
    const pair = following({ bound: { ...BOUND, updates: 1_000 } }, [
      { tellsReached: true, asideBytes: 200 },
    ]);
    const reached = (): unknown[] => pair.take('reached').map(({ keys }) => keys);
    reached();
    pair.update('a', 1);
    pair.remove('b');
    pair.update('b', 1);
    pair.pass(1_000);
    expect(new Set(reached().flat())).toEqual(new Set(['a', 'b']));
    pair.pass(1_000);
    expect(reached()).toEqual([]);
    // More than is kept aside until the mark.
    pair.detach();
    pair.give({ type: 'list', standbys: [] });
    for (let n = 0; n < 100; n++) pair.update(`key ${n}`, n);
    pair.attach();
    expect(reached()).toContain(null);
  });

  test('that is slow costs no memory: it gets each key as it is by then', () => {
    const pair = following({ bound: { ...BOUND, updates: 1_000_000 } }, [{ windowBytes: 1 }]);
    pair.heldUp.add(1);
    for (let n = 0; n < 1000; n++) pair.update(`k${n % 3}`, n & 0xff);
    pair.sent.splice(0);
    pair.release(1);
    expect(keysSent(pair)).toEqual(['k1', 'k2', 'k0']);
    expect(contents(pair.standby().store)).toEqual(contents(pair.holder.store));
  });

  test('for which a removal was forgotten gets everything anew', () => {
    const pair = following({ store: new ReplicaStore({ removedLeast: 1 }) });
    for (const key of ['a', 'b', 'c']) pair.update(key, 1);
    pair.detach();
    pair.give({ type: 'list', standbys: [] });
    pair.remove('a');
    pair.remove('b');
    pair.sent.splice(0);
    pair.attach();
    expect(pair.sent.find(({ type }) => type === 'resume')).toEqual({ type: 'resume', from: 'whole' });
    expect(contents(pair.standby().store)).toEqual([['c', octets(1)]]);
  });

  test('is filled in one go while nearly all of the state ends and as much begins', () => {
    const store = new ReplicaStore({ removedLeast: 1 });
    const bound = { ...BOUND, updates: 1_000_000 };
    const pair = new Pair({ store, bound, batchBytes: 1 }, [{ windowBytes: 1 }]);
    pair.give({ type: 'list', standbys: [] });
    for (let n = 0; n < 100; n++) pair.update(`k${n}`, 1);
    pair.heldUp.add(1);
    pair.attach();
    for (let n = 0; n < 90; n++) {
      for (let messages = 0; messages < 3; messages++) pair.releaseOne(1);
      pair.remove(`k${n}`);
      pair.update(`k${n + 100}`, 2);
    }
    pair.release(1);
    pair.pass(1_000);
    expect(pair.sent.filter(({ type }) => type === 'resume')).toHaveLength(1);
    expect(contents(pair.standby().store)).toEqual(contents(pair.holder.store));
  });

  test('whose memory is damaged finds it, leaves the list, and gets everything anew', () => {
    const pair = following();
    for (const key of ['a', 'b', 'c']) pair.update(key, 1);
    (pair.standby().store.get('b') as Uint8Array)[0] = 9;
    pair.pass(2_000);
    expect(pair.take('unlist')).toEqual([{ type: 'unlist', standby: 1, reason: 'differs' }]);
    expect(pair.take('state').map(({ isWhole }) => isWhole)).toEqual([false, true]);
    expect(contents(pair.standby().store)).toEqual(contents(pair.holder.store));
  });

  test('that was given something else than was sent says so at the next mark', () => {
    const pair = following();
    const damaged: ReplicaMessage = {
      type: 'updates',
      updates: [{ sequence: 1, key: 'a', value: octets(2) }],
      mark: { sequence: 1, keys: 1, digest: 5n, clockUs: 1 },
    };
    pair.atStandby(1, { type: 'message', message: damaged });
    expect(pair.take('event').map(({ message }) => message)).toEqual([
      "the state is not the holder's at update 1",
      'its state is another at update 1; it gets all anew',
      // Nor are these the holder's octets.
      'the stream to it was given up: it acknowledges what was not sent',
    ]);
    expect(pair.standby().isWhole).toBe(true);
    expect(contents(pair.standby().store)).toEqual([]);
  });

  test('keeps what it had until everything anew has come', () => {
    const pair = following({ batchBytes: 1 });
    pair.update('a', 1);
    pair.update('b', 1);
    const messages: ReplicaMessage[] = [
      { type: 'resume', from: 'whole' },
      { type: 'updates', updates: [{ sequence: 1, key: 'z', value: octets(9) }], mark: null },
    ];
    for (const message of messages) pair.atStandby(1, { type: 'message', message });
    expect(contents(pair.standby().store)).toEqual(contents(pair.holder.store));
    expect(pair.standby().position).toEqual({ epoch: 1, sequence: 2 });
  });

  test('that goes on from far behind has no state until the mark', () => {
    const standby = new ReplicationStandby({ slot: SLOT, asideBytes: 5 }, 0);
    const say = (message: ReplicaMessage): unknown => standby.handle({ type: 'message', message }, 0);
    standby.handle({ type: 'attach' }, 0);
    say({ type: 'open', slot: SLOT, epoch: 1, history: [{ epoch: 1, sequence: 0 }], everyMs: 100 });
    say({ type: 'resume', from: 0 });
    const updates = [{ sequence: 1, key: 'long', value: octets(1, 2, 3) }];
    expect(say({ type: 'updates', updates, mark: null })).toContainEqual({
      type: 'state',
      isWhole: false,
      position: { epoch: 0, sequence: 0 },
    });
    expect(standby.isWhole).toBe(false);
  });

  test('that is left or hears nothing any more tells how far it came, once', () => {
    const pair = following();
    pair.update('a', 1);
    pair.update('b', 1);
    pair.pass(200);
    pair.told.length = 0;
    pair.detach();
    expect(pair.take('state')).toEqual([{ type: 'state', isWhole: true, position: pair.standby().position }]);
    expect(pair.standby().position.sequence).toBe(2);
    pair.attach();
    pair.detach();
    expect(pair.take('state')).toEqual([]);
    pair.attach();
    pair.update('c', 1);
    pair.pass(200);
    pair.heldUp.add(1);
    pair.pass(5_000);
    expect(pair.take('state')).toEqual([
      { type: 'state', isWhole: true, position: { epoch: 1, sequence: 3 } },
    ]);
  });

  test('with less room than the state refuses it', () => {
    const pair = new Pair({}, [{ bounds: { keysMax: 1 } }]);
    pair.give({ type: 'list', standbys: [] });
    pair.update('a', 1);
    pair.update('b', 1);
    pair.attach();
    expect(pair.take('drop').map(({ reason }) => reason)).toContain('there is no room for the whole state');
  });
});

describe('the bound', () => {
  test('of 0: what updates bring about waits for all that may take over', () => {
    const pair = following({ bound: { updates: 0, overload: 'block' } }, [{}, {}]);
    pair.heldUp.add(2);
    pair.update('a', 1);
    pair.update('a', 2);
    expect(pair.take('taken').map(({ count }) => count)).toEqual([1, 1]);
    expect(pair.take('acknowledged')).toEqual([]);
    pair.release(2);
    expect(pair.take('acknowledged')).toEqual([
      { type: 'acknowledged', sequence: 1 },
      { type: 'acknowledged', sequence: 2 },
    ]);
  });

  test('of 0: who has left the list is not waited for', () => {
    const pair = following({ bound: { updates: 0, overload: 'block' } }, [{}, {}]);
    pair.heldUp.add(2);
    pair.update('a', 1);
    pair.give({ type: 'list', standbys: [1] });
    expect(pair.take('acknowledged')).toEqual([{ type: 'acknowledged', sequence: 1 }]);
  });

  test('of some: updates wait at it, and go on behind it', () => {
    const pair = following({ bound: { updates: 3, overload: 'block' } });
    pair.heldUp.add(1);
    const updates = Array.from({ length: 5 }, (_, n) => ({ key: `k${n}`, value: octets(n) }));
    pair.give({ type: 'update', updates });
    expect(pair.take('taken')).toEqual([{ type: 'taken', count: 3, sequence: 3, refused: 'waits' }]);
    expect(pair.holder.room(pair.nowMs)).toBe(0);
    pair.release(1);
    expect(pair.take('room')).toHaveLength(1);
    expect(pair.take('unlist')).toEqual([]);
    pair.give({ type: 'update', updates: updates.slice(3) });
    expect(pair.take('taken')).toEqual([{ type: 'taken', count: 2, sequence: 5, refused: null }]);
  });

  test('degrade: the removal of who is half of it behind is asked for ahead', () => {
    const pair = following({ bound: { updates: 4, overload: 'degrade' } });
    pair.heldUp.add(1);
    for (let n = 0; n < 3; n++) pair.update('a', n);
    expect(pair.take('unlist')).toEqual([{ type: 'unlist', standby: 1, reason: 'behind' }]);
    pair.update('a', 3);
    pair.update('a', 4);
    expect(pair.take('taken').map(({ refused }) => refused)).toEqual([null, null, null, null, 'waits']);
    pair.give({ type: 'list', standbys: [] });
    expect(pair.take('room')).toHaveLength(1);
  });

  test('of age: who lacks an update for half of it leaves the list, also when nothing else happens', () => {
    const pair = following({ bound: { ...BOUND, ageMs: 100 }, everyMs: 1_000 });
    pair.heldUp.add(1);
    pair.update('a', 1);
    expect(pair.holder.nextDeadline()).toBe(pair.nowMs + 50);
    pair.pass(50);
    expect(pair.take('unlist')).toEqual([{ type: 'unlist', standby: 1, reason: 'age' }]);
  });

  test.each(['block', 'degrade'] as const)(
    'of age: at the whole of it updates wait, as long as the council does not answer (%s)',
    (overload) => {
      const pair = following({ bound: { updates: 1_000_000, ageMs: 100, overload } });
      pair.heldUp.add(1);
      for (let n = 0; n < 300; n++) {
        pair.update('a', n & 0xff);
        pair.pass(10);
      }
      expect(pair.take('unlist')).toEqual([{ type: 'unlist', standby: 1, reason: 'age' }]);
      expect(pair.take('taken').filter(({ count }) => count > 0)).toHaveLength(10);
      expect(pair.take('room')).toEqual([]);
      pair.give({ type: 'list', standbys: [] });
      expect(pair.take('room')).toHaveLength(1);
      pair.update('a', 1);
      expect(pair.take('taken')).toMatchObject([{ count: 1, refused: null }]);
    },
  );

  test('of age: what waits goes on when the standby has all that is so old', () => {
    const pair = following({ bound: { updates: 1_000_000, ageMs: 100, overload: 'block' } });
    pair.heldUp.add(1);
    pair.update('a', 1);
    pair.pass(100);
    pair.update('a', 2);
    expect(pair.take('taken').map(({ refused }) => refused)).toEqual([null, 'waits']);
    pair.release(1);
    expect(pair.take('room')).toHaveLength(1);
  });

  test('of age: who lacks an update for half of it is not fit for the list', () => {
    const bound = { updates: 1_000_000, ageMs: 100, overload: 'block' as const };
    const pair = new Pair({ bound, everyMs: 1_000 });
    pair.give({ type: 'list', standbys: [] });
    pair.update('a', 1);
    pair.heldUp.add(1);
    pair.attach();
    // It says where it is, and is sent what there is.
    pair.releaseOne(1);
    pair.update('a', 2);
    pair.pass(60);
    pair.releaseOne(1);
    pair.releaseOne(1);
    expect(pair.holder.views(pair.nowMs)).toMatchObject([{ sequence: 1, lagMs: 60 }]);
    expect(pair.take('caught-up')).toEqual([]);
    pair.release(1);
    expect(pair.take('caught-up')).toEqual([{ type: 'caught-up', standby: 1 }]);
  });

  test('acknowledged by k: by as many of the listed', () => {
    const pair = following({ bound: { ...BOUND, acknowledgedBy: 2 } }, [{}, {}, {}]);
    pair.heldUp.add(2);
    pair.heldUp.add(3);
    pair.update('a', 1);
    expect(pair.take('acknowledged')).toEqual([]);
    pair.release(2);
    expect(pair.take('acknowledged')).toEqual([{ type: 'acknowledged', sequence: 1 }]);
  });

  test('of the state itself: what has no room is refused, and nothing is lost', () => {
    const pair = following({ store: new ReplicaStore({ keysMax: 1 }) });
    pair.give({
      type: 'update',
      updates: [
        { key: 'a', value: octets(1) },
        { key: 'b', value: octets(1) },
      ],
    });
    expect(pair.take('taken')).toEqual([{ type: 'taken', count: 1, sequence: 1, refused: 'full' }]);
    expect(contents(pair.standby().store)).toEqual([['a', octets(1)]]);
  });
});

describe('silence', () => {
  test('of who was listed before: a new holder waits three marks for it to come, and no longer', () => {
    const pair = new Pair({ everyMs: 100 }, [{}, {}]);
    pair.give({ type: 'list', standbys: [1, 2] });
    pair.attach(1);
    expect(pair.holder.nextDeadline()).toBeLessThanOrEqual(pair.nowMs + 300);
    pair.pass(290);
    expect(pair.take('unlist')).toEqual([]);
    pair.pass(10);
    expect(pair.take('unlist')).toEqual([{ type: 'unlist', standby: 2, reason: 'silent' }]);
    pair.give({ type: 'list', standbys: [1] });
    expect(pair.take('ready')).toHaveLength(1);
  });

  test('of a connection that ends: who had it leaves the list at once', () => {
    const pair = following();
    pair.detach();
    expect(pair.take('unlist')).toEqual([{ type: 'unlist', standby: 1, reason: 'silent' }]);
  });

  test('of a standby: it leaves the list within three marks, and is heard of again', () => {
    const pair = following({ everyMs: 100 });
    pair.heldUp.add(1);
    pair.pass(300);
    expect(pair.take('unlist')).toEqual([{ type: 'unlist', standby: 1, reason: 'silent' }]);
    expect(pair.holder.views(pair.nowMs)[0]?.state).toBe('silent');
    pair.give({ type: 'list', standbys: [] });
    pair.release(1);
    expect(pair.take('caught-up')).toEqual([{ type: 'caught-up', standby: 1 }]);
  });

  test('of the holder is told at the standby', () => {
    const pair = following({ everyMs: 100 });
    pair.nowMs += 299;
    expect(pair.standby().expire(pair.nowMs)).toEqual([]);
    pair.nowMs += 1;
    expect(pair.standby().expire(pair.nowMs)).toEqual([
      { type: 'event', severity: 'warning', message: 'nothing comes from the holder any more' },
    ]);
  });

  test('while nothing changes marks go on: the round trip is known, and both are well', () => {
    const pair = following({ everyMs: 100 });
    pair.pass(2_000);
    expect(pair.told).toEqual([]);
    expect(pair.holder.views(pair.nowMs)).toMatchObject([
      { state: 'following', lagUpdates: 0, lagMs: 0, lagBytes: 0, isListed: true, roundTripMs: 0 },
    ]);
  });
});

describe('an epoch', () => {
  test('begins when all that are listed have confirmed it', () => {
    const pair = new Pair({}, [{}, {}]);
    pair.give({ type: 'list', standbys: [1, 2] });
    pair.attach(1);
    expect(pair.holder.room(pair.nowMs)).toBe(0);
    expect(pair.take('ready')).toEqual([]);
    pair.attach(2);
    expect(pair.take('ready')).toHaveLength(1);
    expect(pair.holder.room(pair.nowMs)).toBe(10);
  });

  test('that is over is refused by whoever has accepted a later one, and its holder hears of it', () => {
    const pair = following();
    pair.atStandby(1, { type: 'epoch', epoch: 2 });
    expect(pair.take('superseded')).toEqual([{ type: 'superseded', epoch: 2 }]);
  });

  test('that never heard of the last updates of the one before has their standby begin anew', () => {
    const pair = following({}, [{}, {}]);
    pair.update('a', 1);
    pair.heldUp.add(2);
    pair.update('b', 2);
    const { store, history } = pair.standby(2).takeOver();
    expect(store.sequence).toBe(1);
    const next = new Pair({ epoch: 2, store, history }, []);
    next.standbys.set(1, pair.standby(1));
    next.give({ type: 'list', standbys: [] });
    next.update('c', 3);
    next.attach(1);
    expect(next.sent.find(({ type }) => type === 'resume')).toEqual({ type: 'resume', from: 'whole' });
    expect(contents(next.standby(1).store)).toEqual([
      ['a', octets(1)],
      ['c', octets(3)],
    ]);
  });

  test('ends with a planned hand-over behind the last update, and the former holder goes on as a standby', () => {
    const pair = following();
    pair.update('a', 1);
    pair.heldUp.add(1);
    pair.update('b', 2);
    pair.give({ type: 'end' });
    pair.update('c', 3);
    expect(pair.take('taken').map(({ count }) => count)).toEqual([1, 1, 0]);
    pair.release(1);
    expect(pair.take('ended')).toEqual([{ type: 'ended', sequence: 2 }]);
    const { kept } = pair.holder;
    const next = new Pair({ epoch: 2, ...pair.standby().takeOver() }, [{ kept }]);
    next.give({ type: 'list', standbys: [] });
    next.attach();
    next.update('d', 4);
    expect(next.sent.find(({ type }) => type === 'resume')).toEqual({ type: 'resume', from: 2 });
    expect(contents(next.standby().store)).toEqual(contents(next.holder.store));
  });
});

describe('a rule that is broken ends the connection', () => {
  const open: ReplicaMessage = {
    type: 'open',
    slot: SLOT,
    epoch: 1,
    history: [{ epoch: 1, sequence: 0 }],
    everyMs: 100,
  };
  const update = (sequence: number): ReplicaMessage => ({
    type: 'updates',
    updates: [{ sequence, key: 'a', value: null }],
    mark: null,
  });

  test.each<[string, ReplicaMessage[], string]>([
    ['updates before open', [update(1)], 'updates before open'],
    ['updates before resume', [open, update(1)], 'updates before resume'],
    ['open twice', [open, open], 'open twice'],
    ['another slot', [{ ...open, slot: '00000000000000a2' }], 'slot 00000000000000a2 is not here'],
    ['going on from elsewhere', [open, { type: 'resume', from: 5 }], 'it goes on from 5, not 0'],
    [
      'updates that go back',
      [open, { type: 'resume', from: 'whole' }, update(2), update(2)],
      'update 2 behind update 2',
    ],
    [
      'an end elsewhere',
      [open, { type: 'resume', from: 'whole' }, { type: 'end', sequence: 3 }],
      'the end is 3, not 0',
    ],
    [
      'what only a standby says',
      [open, { type: 'ack', sequence: 0, bytes: 0, clockUs: 0 }],
      'a holder does not say ack',
    ],
  ])('at the standby: %s', (_, messages, reason) => {
    const standby = new ReplicationStandby({ slot: SLOT }, 0);
    standby.handle({ type: 'attach' }, 0);
    const outputs = messages.flatMap((message) => standby.handle({ type: 'message', message }, 0));
    expect(outputs.at(-1)).toEqual({ type: 'drop', reason });
    expect(outputs.at(-2)).toMatchObject({ type: 'send', message: { type: 'refuse', text: reason } });
  });

  test.each<[string, ReplicaMessage, string]>([
    ['octets that were not sent', { type: 'ack', sequence: 0, bytes: 999, clockUs: 0 }, 'what was not sent'],
    [
      'a mark that was not sent',
      { type: 'ack', sequence: 0, bytes: 0, clockUs: 2 ** 50 },
      'what was not sent',
    ],
    ['where it is, twice', { type: 'at', epoch: 1, sequence: 0, windowBytes: 9 }, 'says twice'],
    ['what only a holder says', open, 'does not say open'],
  ])('at the holder: %s', (_, message, reason) => {
    const pair = following();
    pair.give({ type: 'message', standby: 1, message });
    expect(pair.take('drop')[0]?.reason).toContain(reason);
    expect(pair.take('unlist')).toEqual([{ type: 'unlist', standby: 1, reason: 'silent' }]);
  });

  test('there is room for so many standbys', () => {
    const pair = new Pair(
      {},
      Array.from({ length: STANDBYS_MAX + 1 }, () => ({})),
    );
    for (const number of pair.standbys.keys()) pair.attach(number);
    expect(pair.take('drop')).toEqual([
      { type: 'drop', standby: STANDBYS_MAX + 1, reason: `there are ${STANDBYS_MAX} standbys already` },
    ]);
  });
});
