// SPDX-License-Identifier: Apache-2.0
import { MARKS_UNDER_WAY_MAX, ReplicaStore, ReplicationStandby } from '@vnfpool/core/replication';
import type { ReplicaMark, ReplicaMessage, ReplicaOpen, ReplicaRefusal } from '@vnfpool/wire/replication';
import { describe, expect, test } from 'vitest';
import { octets, Pair, SLOT } from './pair.ts';

/** A standby that follows and is listed, with `a=1` as update 1. */
function following(init: ConstructorParameters<typeof Pair>[0] = {}): Pair {
  const pair = new Pair(init);
  pair.give({ type: 'list', standbys: [] });
  pair.attach();
  pair.give({ type: 'list', standbys: [1] });
  pair.update('a', 1);
  pair.told.splice(0);
  pair.sent.splice(0);
  return pair;
}

/** Of a store with these keys, where a holder of this epoch had them at this sequence. */
function mark(epoch: number, sequence: number, keys: Readonly<Record<string, number>>): ReplicaMark {
  const store = new ReplicaStore();
  for (const [key, value] of Object.entries(keys)) store.update(key, octets(value));
  store.completeTo(sequence);
  return { sequence, keys: store.keys, digest: store.digestAt(epoch), clockUs: 1 };
}

describe('a standby, where frames are not those that were sent', () => {
  const open: ReplicaOpen = {
    type: 'open',
    slot: SLOT,
    epoch: 2,
    history: [
      { epoch: 1, sequence: 0 },
      { epoch: 2, sequence: 4 },
    ],
    everyMs: 100,
  };
  const a = { sequence: 5, key: 'a', value: octets(1) };
  const filled: ReplicaMessage[] = [
    open,
    { type: 'resume', from: 'whole' },
    { type: 'updates', updates: [a], mark: mark(2, 5, { a: 1 }) },
  ];

  function told(...messages: ReplicaMessage[]) {
    const standby = new ReplicationStandby({ slot: SLOT }, 0);
    standby.handle({ type: 'attach' }, 0);
    const outputs = [...filled, ...messages].flatMap((message) =>
      standby.handle({ type: 'message', message }, 0),
    );
    return { standby, last: outputs.at(-1) };
  }

  test('has what it was filled with', () => {
    expect(told().standby.position).toEqual({ epoch: 2, sequence: 5 });
  });

  test('takes no update of a former epoch, whose holder had this sequence with another state', () => {
    const updates = [{ sequence: 6, key: 'b', value: octets(9) }];
    const { standby, last } = told({ type: 'updates', updates, mark: mark(1, 6, { a: 1, b: 9 }) });
    expect(last).toMatchObject({ type: 'send', message: { type: 'differs', sequence: 6 } });
    expect(standby.isWhole).toBe(false);
  });

  test('does not take a mark for that of another sequence', () => {
    const { last } = told({ type: 'updates', updates: [], mark: { ...mark(2, 5, { a: 1 }), sequence: 7 } });
    expect(last).toMatchObject({ type: 'send', message: { type: 'differs' } });
  });

  test('goes back to no mark of before', () => {
    const behind = { ...mark(2, 4, { a: 1 }), clockUs: 2 };
    expect(told({ type: 'updates', updates: [], mark: behind }).last).toEqual({
      type: 'drop',
      reason: 'a mark at 4 behind update 5',
    });
  });

  test('is not filled anew with what the holder had before', () => {
    const { standby, last } = told(
      {
        type: 'updates',
        updates: [{ sequence: 6, key: 'b', value: octets(2) }],
        mark: mark(2, 6, { a: 1, b: 2 }),
      },
      { type: 'resume', from: 'whole' },
      { type: 'updates', updates: [a], mark: mark(2, 5, { a: 1 }) },
    );
    expect(last).toEqual({ type: 'drop', reason: 'a mark at 5 behind update 6' });
    expect(standby.position).toEqual({ epoch: 2, sequence: 6 });
  });

  test('does not keep a history in which its epoch began behind the state that it has of it', () => {
    const standby = new ReplicationStandby({ slot: SLOT }, 0);
    const say = (...messages: ReplicaMessage[]) => {
      standby.handle({ type: 'attach' }, 0);
      return messages.flatMap((message) => standby.handle({ type: 'message', message }, 0)).at(-1);
    };
    say(...filled);
    const history = [open.history[0] as { epoch: number; sequence: number }, { epoch: 2, sequence: 99 }];
    const outputs = say({ ...open, history }, { type: 'resume', from: 'whole' }, ...filled.slice(2));
    expect(outputs).toEqual({ type: 'drop', reason: 'a mark at 5 behind update 99' });
    expect(standby.takeOver().history).toEqual(open.history);
  });

  test('takes no mark from before its epoch began', () => {
    const standby = new ReplicationStandby({ slot: SLOT }, 0);
    standby.handle({ type: 'attach' }, 0);
    const outputs = [open, { type: 'resume', from: 'whole' } as const].flatMap((message) =>
      standby.handle({ type: 'message', message }, 0),
    );
    outputs.push(
      ...standby.handle(
        { type: 'message', message: { type: 'updates', updates: [], mark: mark(2, 3, {}) } },
        0,
      ),
    );
    expect(outputs.at(-1)).toEqual({ type: 'drop', reason: 'a mark at 3 behind update 4' });
  });
});

describe('the end of an epoch', () => {
  test('is not told by a standby whose state is none, and comes once more behind all that comes anew', () => {
    const pair = following();
    pair.heldUp.add(1);
    pair.give({ type: 'end' });
    (pair.standby().store.get('a') as Uint8Array)[0] = 9;
    pair.pass(1_000);
    pair.release(1);
    const told = pair.told.flatMap(([, output]) => {
      if (output.type === 'state') return [output.isWhole ? 'whole' : 'none'];
      return output.type === 'ended' ? ['ended'] : [];
    });
    // First that nothing came any more.
    expect(told).toEqual(['whole', 'none', 'whole', 'ended']);
    expect(pair.standby().store.get('a')).toEqual(octets(1));
  });
});

describe('a holder', () => {
  /** What it makes of an acknowledgement while marks 2 and 3, of 10 octets each, are on their way. */
  function answered(change: (marks: ReplicaMark[]) => { sequence: number; bytes: number; clockUs: number }) {
    const pair = following({ bound: { updates: 0, overload: 'block' } });
    pair.heldUp.add(1);
    pair.update('b', 2);
    pair.pass(10);
    pair.update('c', 3);
    const marks = pair.sent.flatMap((each) => (each.type === 'updates' && each.mark ? [each.mark] : []));
    pair.told.splice(0);
    pair.give({ type: 'message', standby: 1, message: { type: 'ack', ...change(marks) } });
    return pair;
  }

  test('takes what is acknowledged as it was sent', () => {
    const pair = answered(([first]) => ({ sequence: 2, bytes: 20, clockUs: first?.clockUs ?? 0 }));
    expect(pair.take('acknowledged')).toEqual([{ type: 'acknowledged', sequence: 2 }]);
  });

  test.each<[string, Parameters<typeof answered>[0], string]>([
    [
      'of a mark with the sequence of another',
      ([first]) => ({ sequence: 3, bytes: 20, clockUs: first?.clockUs ?? 0 }),
      'it acknowledges what was not sent',
    ],
    [
      'of a mark that it did not send',
      ([first]) => ({ sequence: 3, bytes: 30, clockUs: (first?.clockUs ?? 0) + 1 }),
      'it acknowledges what was not sent',
    ],
    [
      'of a mark without all octets before it',
      ([, second]) => ({ sequence: 3, bytes: 20, clockUs: second?.clockUs ?? 0 }),
      'it lacks octets that were sent before its mark',
    ],
    [
      'of no mark, though one was acknowledged before',
      () => ({ sequence: 3, bytes: 30, clockUs: 0 }),
      'it has forgotten which mark it had',
    ],
  ])('does not take an acknowledgement %s', (_, change, reason) => {
    const pair = answered(change);
    expect(pair.take('acknowledged')).toEqual([]);
    expect(pair.take('drop')).toEqual([{ type: 'drop', standby: 1, reason }]);
  });

  test('counts streams that broke off, and tells the log once of those that do so again and again', () => {
    const pair = following();
    const breaks = () => pair.holder.views(pair.nowMs, [1])[0]?.breaks;
    const refuse = (reason: ReplicaRefusal, epoch = 0): void => {
      pair.give({ type: 'message', standby: 1, message: { type: 'refuse', reason, epoch, text: 'no' } });
    };
    const again = (): void => {
      pair.pass(1_000);
      pair.detach();
      pair.attach();
    };
    // It has not heard of the slot yet, or of a later holder: nothing is wrong with the stream.
    for (const reason of ['unknown-slot', 'old-epoch'] as const) {
      refuse(reason, 9);
      again();
    }
    const said = () => pair.take('event').filter(({ message }) => message.startsWith('the stream to it'));
    expect([breaks(), said()]).toEqual([null, []]);
    pair.told.splice(0);
    for (const reason of ['protocol', 'resources'] as const) {
      refuse(reason);
      again();
    }
    pair.give({ type: 'garbled', standby: 1, reason: 'it is not understood: type 99' });
    expect(pair.take('drop').at(-1)).toMatchObject({ reason: 'it is not understood: type 99' });
    expect(breaks()).toEqual({ times: 3, reason: 'it is not understood: type 99', isAmid: true });
    expect(said().map(({ message }) => message)).toEqual([
      'the stream to it was given up: it refuses what it is sent: no',
    ]);
    again();
    pair.pass(3_900);
    expect(breaks()?.isAmid).toBe(true);
    pair.pass(100);
    expect(breaks()).toMatchObject({ times: 3, isAmid: false });
    pair.told.splice(0);
    pair.give({ type: 'garbled', standby: 1, reason: 'type 98' });
    expect(said()).toHaveLength(1);
  });

  test('has whoever says to be further than itself begin anew', () => {
    const pair = new Pair();
    pair.heldUp.add(1);
    pair.attach();
    pair.give({
      type: 'message',
      standby: 1,
      message: { type: 'at', epoch: 1, sequence: 7, windowBytes: 100 },
    });
    expect(pair.sent.find(({ type }) => type === 'resume')).toEqual({ type: 'resume', from: 'whole' });
  });

  test('ends a connection on which nothing is answered for fifty marks', () => {
    const pair = following();
    pair.heldUp.add(1);
    pair.pass(4_900);
    expect(pair.take('drop')).toEqual([]);
    pair.pass(200);
    const reason = 'it has not answered for 5000 ms';
    expect(pair.take('drop')).toEqual([{ type: 'drop', standby: 1, reason }]);
    expect(pair.holder.views(pair.nowMs).map(({ state }) => state)).toEqual(['away']);
  });

  test('ends a connection on which octets are confirmed, and no mark for fifty marks', () => {
    const pair = new Pair();
    pair.give({ type: 'list', standbys: [] });
    pair.heldUp.add(1);
    pair.attach();
    const say = (message: ReplicaMessage): void => pair.give({ type: 'message', standby: 1, message });
    say({ type: 'at', epoch: 0, sequence: 0, windowBytes: 100 });
    for (let n = 0; n < 60 && pair.take('drop').length === 0; n++) {
      pair.pass(100);
      say({ type: 'ack', sequence: 0, bytes: 0, clockUs: 0 });
      expect(n).toBeLessThan(52);
    }
    // Nothing is left to be done but a look at what it has itself.
    expect(pair.holder.nextDeadline()).toBeGreaterThan(pair.nowMs);
    expect(pair.holder.views(pair.nowMs)).toEqual([]);
  });

  test('has so many marks under way, and no more', () => {
    const pair = following({ bound: { updates: 1_000_000, overload: 'block' } });
    pair.heldUp.add(1);
    for (let n = 0; n < MARKS_UNDER_WAY_MAX + 500; n++) pair.update('a', n & 0xff);
    const marks = pair.sent.filter((each) => each.type === 'updates' && each.mark !== null);
    expect(marks).toHaveLength(MARKS_UNDER_WAY_MAX);
    // The updates, and marks as there is room for them.
    for (let n = 0; n < 2 * MARKS_UNDER_WAY_MAX; n++) pair.releaseOne(1);
    expect(pair.take('drop')).toEqual([]);
    expect(pair.standby().position.sequence).toBe(pair.holder.store.sequence);
    expect(pair.holder.views(pair.nowMs)[0]?.lagUpdates).toBe(0);
  });
});
