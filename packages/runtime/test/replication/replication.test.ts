// SPDX-License-Identifier: Apache-2.0
import { type KeyUpdate, OUTSTANDING_MAX, ReplicaStore } from '@vnfpool/core/replication';
import {
  type CopyNotice,
  ReplicatedState,
  type ReplicatedStateOptions,
  replicationRule,
  StateCopy,
  type StateNotice,
} from '@vnfpool/runtime/replication';
import { TcpTransport } from '@vnfpool/transport/tcp';
import { decodeReplica, encodeReplica, type ReplicaMessage } from '@vnfpool/wire/replication';
import { afterEach, describe, expect, test } from 'vitest';

const SLOT = '00000000000000a1';
const value = (text: string): Uint8Array => new TextEncoder().encode(text);
const transport = new TcpTransport({ rule: replicationRule });

/** Ends what a test has begun. */
const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).toReversed()) await each.close();
});

/** Notices of either end, to be waited for. */
class Heard<Notice extends { readonly type: string }> {
  readonly all: Notice[] = [];
  readonly #waiting: { readonly type: string; readonly found: (notice: Notice) => void }[] = [];

  readonly add = (notice: Notice): void => {
    this.all.push(notice);
    for (const each of this.#waiting.filter(({ type }) => type === notice.type)) {
      this.#waiting.splice(this.#waiting.indexOf(each), 1);
      each.found(notice);
    }
  };

  next(type: Notice['type']): Promise<Notice> {
    return new Promise((found) => {
      this.#waiting.push({ type, found });
    });
  }
}

async function copyAt(port = 0, heard = new Heard<CopyNotice>()): Promise<StateCopy> {
  const copy = await StateCopy.listen({
    slot: SLOT,
    transport,
    host: '127.0.0.1',
    port,
    onNotice: heard.add,
  });
  open.push(copy);
  return copy;
}

function stateWith(
  copies: readonly StateCopy[],
  heard: Heard<StateNotice>,
  options: Partial<ReplicatedStateOptions> = {},
): ReplicatedState {
  const state = new ReplicatedState({
    slot: SLOT,
    epoch: 1,
    store: new ReplicaStore(),
    history: [],
    bound: { updates: 0, overload: 'block' },
    transport,
    standbys: copies.map(({ address }, index) => ({
      standby: index + 1,
      host: '127.0.0.1',
      port: address.port,
    })),
    onNotice: heard.add,
    everyMs: 20,
    ...options,
  });
  open.push(state);
  return state;
}

describe('a replicated state', () => {
  test('goes on at the standby that takes over, with everything that was settled', async () => {
    const copies = [await copyAt(), await copyAt()];
    const heard = new Heard<StateNotice>();
    const ready = heard.next('ready');
    const state = stateWith(copies, heard, { listed: [1, 2] });
    await ready;
    await Promise.all(Array.from({ length: 500 }, (_, n) => state.set(`call-${n}`, value(`${n}`))));
    await state.remove('call-7');
    state.close();
    const [first, second] = copies as [StateCopy, StateCopy];
    const nextHeard = new Heard<StateNotice>();
    const next = stateWith([], nextHeard, { epoch: 2, ...(await second.takeOver()) });
    expect([...next.entries()]).toHaveLength(499);
    expect(next.get('call-499')).toEqual(value('499'));
    expect(next.get('call-7')).toBeUndefined();
    expect(first.position).toEqual({ epoch: 1, sequence: 501 });
  });

  test('takes several changes as one, and they settle with the last of them', async () => {
    const copy = await copyAt();
    const heard = new Heard<StateNotice>();
    const ready = heard.next('ready');
    const state = stateWith([copy], heard, { listed: [1] });
    const numbers = Array.from({ length: 5_000 }, (_, n) => ({ key: `k${n}`, value: value(`${n}`) }));
    await Promise.all([
      ready,
      state.change(numbers),
      state.change([{ key: 'k1', value: null }]),
      state.change([]),
    ]);
    expect(copy.get('k4999')).toEqual(value('4999'));
    expect(copy.get('k1')).toBeUndefined();
    expect(copy.keys).toBe(4_999);
  });

  test('refuses the rest of several changes when it is full, and takes what comes behind', async () => {
    const heard = new Heard<StateNotice>();
    const state = stateWith([], heard, {
      store: new ReplicaStore({ keysMax: 3 }),
      bound: { updates: 100, acknowledgedBy: 0, overload: 'block' },
    });
    const changes = ['a', 'b', 'c', 'd', 'e'].map((key) => ({ key, value: value(key) }));
    const refused = state.change(changes);
    const behind = state.change([
      { key: 'a', value: null },
      { key: 'f', value: value('f') },
    ]);
    await expect(refused).rejects.toMatchObject({ code: 'full', taken: 3 });
    await behind;
    expect([...state.entries()].map(([key]) => key)).toEqual(['b', 'c', 'f']);
  });

  test('of a holder that hands over goes on there at once, and follows', async () => {
    const copyHeard = new Heard<CopyNotice>();
    const copy = await copyAt(0, copyHeard);
    const ended = copyHeard.next('ended');
    const heard = new Heard<StateNotice>();
    const caughtUp = heard.next('caught-up');
    const state = stateWith([copy], heard, { bound: { updates: 100, overload: 'block' } });
    await state.set('a', value('1'));
    await caughtUp;
    state.listed([1]);
    await state.set('b', value('2'));
    state.end();
    await expect(state.set('c', value('3'))).rejects.toMatchObject({ code: 'closed' });
    expect(await ended).toEqual({ type: 'ended', sequence: 2 });
    const kept = state.close();
    const back = await StateCopy.listen({ slot: SLOT, transport, host: '127.0.0.1', port: 0, kept });
    open.push(back);
    const nextHeard = new Heard<StateNotice>();
    const followed = nextHeard.next('caught-up');
    const bound = { updates: 100, overload: 'block' as const };
    const next = stateWith([back], nextHeard, { epoch: 2, bound, ...(await copy.takeOver()) });
    await next.set('d', value('4'));
    await followed;
    expect(back.get('d')).toEqual(value('4'));
    expect(back.get('b')).toEqual(value('2'));
  });

  test('goes on with a standby that ends and comes back', async () => {
    const copyHeard = new Heard<CopyNotice>();
    const copy = await copyAt(0, copyHeard);
    const heard = new Heard<StateNotice>();
    const first = heard.next('caught-up');
    const state = stateWith([copy], heard, { bound: { updates: 100, overload: 'block' } });
    await state.set('a', value('1'));
    await first;
    const { port } = copy.address;
    await copy.close();
    await state.set('b', value('2'));
    const again = heard.next('caught-up');
    const back = await copyAt(port);
    await again;
    expect(back.position).toEqual({ epoch: 1, sequence: 2 });
    expect(state.standbys).toMatchObject([{ standby: 1, state: 'following', lagUpdates: 0 }]);
  });

  test('has its holder ask for the removal of a standby that is away, and holds back until it is done', async () => {
    const copies = [await copyAt(), await copyAt()];
    const heard = new Heard<StateNotice>();
    const ready = heard.next('ready');
    const state = stateWith(copies, heard, { listed: [1, 2] });
    await ready;
    const unlist = heard.next('unlist');
    await copies[1]?.close();
    const settled = state.set('a', value('1'));
    expect(await unlist).toMatchObject({ standby: 2, reason: 'silent' });
    state.listed([1]);
    await settled;
    expect(copies[0]?.get('a')).toEqual(value('1'));
  });

  test.each(['block', 'degrade'] as const)(
    'acknowledged by one settles nothing without one that has it, though some may be lost (%s)',
    async (overload) => {
      const copy = await copyAt();
      const heard = new Heard<StateNotice>();
      const ready = heard.next('ready');
      const bound = { updates: 1_000_000, ageMs: 60_000, acknowledgedBy: 1, overload };
      const state = stateWith([copy], heard, { listed: [1], bound });
      await ready;
      await state.set('a', value('1'));
      expect(copy.get('a')).toEqual(value('1'));
      const unlist = heard.next('unlist');
      const { port } = copy.address;
      await copy.close();
      expect(await unlist).toMatchObject({ standby: 1, reason: 'silent' });
      state.listed([]);
      let isSettled = false;
      const settled = state.change([{ key: 'b', value: value('2') }]).then(() => {
        isSettled = true;
      });
      const caughtUp = heard.next('caught-up');
      const back = await copyAt(port);
      await caughtUp;
      // It has it, and may not take over: it does not count.
      expect([isSettled, back.get('b')]).toEqual([false, value('2')]);
      state.listed([1]);
      await settled;
    },
  );

  test('acknowledged by more than there are takes so many changes, and refuses what is left when it is closed', async () => {
    const bound = { updates: 1_000_000, acknowledgedBy: 1, overload: 'degrade' as const };
    const state = stateWith([], new Heard<StateNotice>(), { bound });
    const many = Array.from({ length: OUTSTANDING_MAX }, () => ({ key: 'a', value: value('1') }));
    const first = expect(state.change(many)).rejects.toMatchObject({ code: 'closed' });
    await Promise.resolve();
    const second = expect(state.set('b', value('2'))).rejects.toMatchObject({ code: 'closed' });
    await Promise.resolve();
    expect([state.get('a'), state.get('b')]).toEqual([value('1'), undefined]);
    state.close();
    await Promise.all([first, second]);
  });

  test('refuses what has no room, and keeps the rest', async () => {
    const heard = new Heard<StateNotice>();
    const state = stateWith([], heard, {
      store: new ReplicaStore({ keysMax: 1 }),
      bound: { updates: 10, overload: 'block', acknowledgedBy: 0 },
    });
    const all = await Promise.allSettled(['a', 'b', 'a'].map((key) => state.set(key, value(key))));
    expect(all.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(all[1]).toMatchObject({ reason: { name: 'StateError', code: 'full' } });
  });

  test.each<[string, KeyUpdate, string]>([
    ['no key', { key: '', value: value('1') }, 'a key of 0 octets'],
    ['a long key', { key: 'k'.repeat(1_025), value: value('1') }, 'a key of 1025 octets'],
    ['a key of more than octets', { key: 'k\u0100', value: null }, 'a key with U+0100, which is no octet'],
    ['a long value', { key: 'k', value: new Uint8Array(70_000) }, 'a value of 70000 octets'],
    ['a secret removal', { key: 'k', value: null, secret: 'value' }, 'a key that is no more is no secret'],
    [
      'a value for a secret name',
      { key: 'k', value: value('1'), secret: 'name' },
      'a secret of which only the name is told, with a value',
    ],
  ])('refuses %s with all that came with it, and nothing else', async (_, wrong, message) => {
    const copy = await copyAt();
    const faults: unknown[] = [];
    const state = stateWith([copy], new Heard<StateNotice>(), {
      listed: [1],
      onFault: (fault) => faults.push(fault),
    });
    const before = state.set('a', value('1'));
    const refused = state.change([{ key: 'b', value: value('2') }, wrong, { key: 'c', value: value('3') }]);
    await expect(refused).rejects.toMatchObject({ name: 'StateError', code: 'invalid', message });
    expect(() => state.rewrite([{ key: 'd', value: value('4') }, wrong])).toThrow(message);
    await before;
    await state.set('k'.repeat(1_024), new Uint8Array(65_536));
    expect(faults).toEqual([]);
    expect([copy.keys, copy.get('a'), copy.get('b')]).toEqual([2, value('1'), undefined]);
  });

  test('takes so many changes that wait, and refuses more in words', async () => {
    const copy = await copyAt();
    const state = stateWith([copy], new Heard<StateNotice>(), { listed: [1], waitingMax: 2 });
    const all = ['a', 'b', 'c'].map((key) => state.set(key, value(key)));
    await expect(all[2]).rejects.toMatchObject({ code: 'overload', message: '2 changes wait already' });
    await Promise.all(all.slice(0, 2));
    expect(copy.get('b')).toEqual(value('b'));
  });

  test('whose holder was superseded hears of it, and what it held back is not settled', async () => {
    const copy = await copyAt();
    const heard = new Heard<StateNotice>();
    const ready = heard.next('ready');
    const state = stateWith([copy], heard, { listed: [1] });
    await ready;
    const superseded = heard.next('superseded');
    copy.accepted(2);
    const settled = state.set('a', value('1'));
    expect(await superseded).toEqual({ type: 'superseded', epoch: 2 });
    state.close();
    await expect(settled).rejects.toMatchObject({ code: 'closed' });
    expect(copy.get('a')).toBeUndefined();
  });
});

describe('a copy', () => {
  test('lets no holder of an earlier epoch take the place of a later one', async () => {
    const copy = await copyAt();
    const heard = new Heard<StateNotice>();
    const ready = heard.next('ready');
    const state = stateWith([copy], heard, { epoch: 5, listed: [1] });
    await ready;
    const old = new Heard<StateNotice>();
    const superseded = old.next('superseded');
    stateWith([copy], old, { epoch: 4, listed: [1] });
    expect(await superseded).toEqual({ type: 'superseded', epoch: 5 });
    await state.set('a', value('1'));
    expect(copy.get('a')).toEqual(value('1'));
  });

  test.each([
    ['octets that are no message', Uint8Array.of(0, 0, 0, 1, 99)],
    ['a message that does not come first', encodeReplica({ type: 'end', sequence: 1 })],
  ])('closes a connection with %s, and goes on', async (_, frame) => {
    const copy = await copyAt();
    const connection = await transport.connect({ host: '127.0.0.1', port: copy.address.port });
    const closed = new Promise((resolve) => {
      connection.onClose(resolve);
    });
    connection.onFrame(() => {});
    connection.send(frame);
    await closed;
    const heard = new Heard<StateNotice>();
    const ready = heard.next('ready');
    stateWith([copy], heard, { listed: [1] });
    await ready;
  });

  test('tells a holder that was let in why it ends its stream', async () => {
    const copy = await copyAt();
    const connection = await transport.connect({ host: '127.0.0.1', port: copy.address.port });
    const said: ReplicaMessage[] = [];
    const closed = new Promise((resolve) => {
      connection.onClose(resolve);
    });
    connection.onFrame((frame) => {
      said.push(decodeReplica(frame));
    });
    connection.send(
      encodeReplica({
        type: 'open',
        slot: SLOT,
        epoch: 1,
        history: [{ epoch: 1, sequence: 0 }],
        everyMs: 20,
      }),
    );
    connection.send(Uint8Array.of(0, 0, 0, 1, 99));
    await closed;
    expect(said.at(-1)).toMatchObject({
      type: 'refuse',
      reason: 'protocol',
      text: expect.stringContaining('type 99') as string,
    });
  });

  test('that says what is no message is a stream that broke off, and is followed all the same', async () => {
    let isGarbling = true;
    const server = await transport.listen({
      host: '127.0.0.1',
      port: 0,
      connectionsMax: 4,
      onConnection: (connection) => {
        connection.onFrame(() => {
          if (isGarbling) connection.send(Uint8Array.of(0, 0, 0, 1, 99));
        });
      },
    });
    open.push(server);
    const heard = new Heard<StateNotice>();
    const event = heard.next('event');
    const place = { standby: 1, host: '127.0.0.1', port: server.address.port };
    const state = stateWith([], heard, { standbys: [place] });
    expect(await event).toMatchObject({ standby: 1, message: expect.stringContaining('type 99') as string });
    await expect.poll(() => state.standbys[0]?.breaks?.times).toBeGreaterThan(2);
    expect(heard.all.filter(({ type }) => type === 'event')).toHaveLength(1);
    isGarbling = false;
    const copy = await copyAt();
    const ready = heard.next('caught-up');
    state.keepAt([{ ...place, port: copy.address.port }]);
    await ready;
    expect(state.standbys[0]?.breaks?.reason).toContain(
      'it is not understood: replication message of type 99',
    );
  });

  test('admits whom it is told to', async () => {
    const copy = await StateCopy.listen({
      slot: SLOT,
      transport,
      host: '127.0.0.1',
      port: 0,
      admits: () => false,
    });
    open.push(copy);
    const heard = new Heard<StateNotice>();
    const unlist = heard.next('unlist');
    stateWith([copy], heard, { listed: [1] });
    expect(await unlist).toMatchObject({ reason: 'silent' });
    expect(copy.position).toEqual({ epoch: 0, sequence: 0 });
  });
});
