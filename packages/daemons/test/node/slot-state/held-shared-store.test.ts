// SPDX-License-Identifier: Apache-2.0
import { ReplicaStore } from '@vnfpool/core/replication';
import { silentLogger } from '@vnfpool/runtime/logging';
import {
  MemorySharedState,
  type Refused,
  SharedStateError,
  type SlotClaim,
  type SlotWrite,
  type Written,
} from '@vnfpool/store/shared-state';
import { StillClock } from '@vnfpool/testkit/clocks';
import type { StoreSharing } from '@vnfpool/wire/mobility';
import { expect, test, vi } from 'vitest';
import { HeldSharedStore } from '../../../src/node/slot-state/held-shared-store.ts';
import { SLOT } from './checkpoint-scene.ts';

/** A store that can be taken away, or made slow. */
class Fragile extends MemorySharedState {
  fault: 'unavailable' | 'full' | null = null;
  /** Writes wait. */
  isSlow = false;
  writes = 0;
  #go: (() => void)[] = [];

  override async write(slot: string, claim: SlotClaim, write: SlotWrite): Promise<Written | Refused> {
    this.writes += 1;
    if (this.isSlow) await new Promise<void>((resolve) => this.#go.push(resolve));
    if (this.fault !== null) throw new SharedStateError(this.fault, `it is ${this.fault}`);
    return super.write(slot, claim, write);
  }

  go(): void {
    for (const resolve of this.#go.splice(0)) resolve();
  }

  text(): Record<string, string> {
    const data =
      [...(this.disk.get(SLOT)?.generations.values() ?? [])].at(-1) ?? new Map<string, Uint8Array>();
    return Object.fromEntries([...data].map(([key, value]) => [key, Buffer.from(value).toString('latin1')]));
  }
}

const through: StoreSharing = {
  method: 'shared',
  store: 'redis://one',
  writes: { type: 'through' },
  windowOctets: 1_000,
  overload: 'block',
};
const behind = (more: Partial<StoreSharing> = {}): StoreSharing => ({
  ...through,
  writes: { type: 'behind', lag: { ms: 1_000 } },
  overload: 'degrade',
  ...more,
});

async function held(sharing: StoreSharing) {
  const clock = new StillClock();
  const store = new Fragile();
  const other = new Fragile();
  const state = new HeldSharedStore({
    slot: SLOT,
    claim: { epoch: 3, node: 1 },
    state: new ReplicaStore(),
    base: '',
    sharing,
    isLossy: false,
    stores: { sharedAt: (address) => (address === 'redis://one' ? store : other) },
    clock,
    logger: silentLogger,
  });
  await state.ready;
  return { clock, store, other, state };
}

const change = (key: string, text = '1') => [{ key, value: new Uint8Array(Buffer.from(text)) }];
const stored = (state: HeldSharedStore) => state.report().checkpoint;

/** What follows at once has happened. */
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** Whether a promise has settled by now, in words. */
function watched(promise: Promise<void>): { readonly now: () => string } {
  let now = 'waits';
  promise.then(
    () => (now = 'settled'),
    (error: { readonly code: string }) => (now = error.code),
  );
  return { now: () => now };
}

test('a store gets no secrets, and keeps nothing that has become one', async () => {
  const { store, state } = await held(through);
  await state.change([...change('plain'), ...change('token', 'hunter2')]);
  expect(store.text()).toEqual({ plain: '1', token: 'hunter2' });
  const secret = change('token', 'changed').map((each) => ({ ...each, secret: 'value' as const }));
  await state.change([
    ...secret,
    ...change('key', 'x').map((each) => ({ ...each, secret: 'name' as const })),
  ]);
  expect(store.text()).toEqual({ plain: '1' });
  expect([...state.entries()].map(([key]) => key)).toEqual(['plain']);
});

test('through: a change settles when the store has it, and those that come meanwhile go together', async () => {
  const { store, state } = await held(through);
  expect(stored(state)).toEqual({ sequence: 0, ageMs: 0, lagBytes: 0, isCurrent: true, fault: '' });
  store.isSlow = true;
  const first = watched(state.change(change('a')));
  const others = ['b', 'c', 'a'].map((key) => watched(state.change(change(key, '2'))));
  await vi.waitUntil(() => store.writes === 2);
  expect([first, ...others].map(({ now }) => now())).toEqual(['waits', 'waits', 'waits', 'waits']);
  expect(state.report()).toMatchObject({ waiting: 4, checkpoint: { lagBytes: 3 * 10 } });
  store.go();
  await vi.waitUntil(() => first.now() === 'settled');
  expect(others.map(({ now }) => now())).toEqual(['waits', 'waits', 'waits']);
  await vi.waitUntil(() => store.writes === 3);
  store.go();
  await vi.waitUntil(() => others.every(({ now }) => now() === 'settled'));
  expect(store.text()).toEqual({ a: '2', b: '2', c: '2' });
  expect(state.report()).toMatchObject({ sequence: 4, waiting: 0, checkpoint: { sequence: 4 } });
});

test('through: while the store is away changes wait, and it is tried again every two seconds at the latest', async () => {
  const { clock, store, state } = await held(through);
  store.fault = 'unavailable';
  const waiting = watched(state.change(change('a')));
  await vi.waitUntil(() => stored(state)?.fault === 'it is unavailable');
  await turn();
  const tries = store.writes;
  for (let times = 1; times <= 6; times++) {
    clock.pass(2_000);
    expect(store.writes).toBe(tries + times);
    await turn();
  }
  expect(waiting.now()).toBe('waits');
  expect(stored(state)).toMatchObject({ isCurrent: false, ageMs: 12_000 });
  store.fault = null;
  clock.pass(2_000);
  await vi.waitUntil(() => waiting.now() === 'settled');
  expect(stored(state)).toEqual({ sequence: 1, ageMs: 0, lagBytes: 0, isCurrent: true, fault: '' });
});

test('a store that is full is told, and gets what is new when it has room', async () => {
  const { clock, store, state } = await held(behind());
  store.fault = 'full';
  await state.change(change('a'));
  await vi.waitUntil(() => stored(state)?.fault === 'it is full');
  await state.change(change('b'));
  store.fault = null;
  clock.pass(2_000);
  await vi.waitUntil(() => stored(state)?.sequence === 2);
  expect(store.text()).toEqual({ a: '1', b: '1' });
});

test('behind, with degrade: the holder goes on, and the slot counts as unprotected beyond the lag', async () => {
  const { clock, store, state } = await held(behind());
  store.fault = 'unavailable';
  await state.change(change('a'));
  expect(stored(state)?.isCurrent).toBe(true);
  clock.pass(1_001);
  await state.change(change('b'));
  expect(stored(state)).toMatchObject({ isCurrent: false, ageMs: 1_001 });
});

test.each<[string, StoreSharing['writes']]>([
  ['time', { type: 'behind', lag: { ms: 1_000 } }],
  ['updates', { type: 'behind', lag: { updates: 1 } }],
])('behind, with block: beyond the lag in %s changes wait', async (_, writes) => {
  const { clock, store, state } = await held(behind({ overload: 'block', writes }));
  store.fault = 'unavailable';
  await state.change(change('a'));
  await turn();
  clock.pass(1_001);
  await turn();
  const second = watched(state.change(change('b')));
  await vi.waitUntil(() => state.report().waiting === 1);
  expect(second.now()).toBe('waits');
  store.fault = null;
  clock.pass(2_000);
  await vi.waitUntil(() => second.now() === 'settled');
});

test('behind, with a store that is away for long: memory does not grow, the store gets what is new of each key', async () => {
  const { clock, store, state } = await held(behind({ windowOctets: 100 }));
  store.fault = 'unavailable';
  for (let at = 0; at < 500; at++) await state.change(change(`k${at % 3}`, String(at)));
  store.fault = null;
  const before = store.writes;
  clock.pass(2_000);
  await vi.waitUntil(() => stored(state)?.sequence === 500);
  expect(store.writes - before).toBeLessThanOrEqual(3);
  expect(store.text()).toEqual({ k0: '498', k1: '499', k2: '497' });
});

test('once a higher epoch has claimed nothing is taken any more, and that is told', async () => {
  const { store, state } = await held(through);
  await store.claim(SLOT, { epoch: 5, node: 2 });
  const late = watched(state.change(change('a', 'stale')));
  await vi.waitUntil(() => late.now() === 'closed');
  await expect(state.change(change('b'))).rejects.toMatchObject({ code: 'closed' });
  expect(stored(state)).toMatchObject({
    isCurrent: false,
    fault: 'epoch 5 of the slot was claimed in the store: epoch 3 writes no more',
  });
  expect(store.text()).toEqual({});
  await state.leave(new AbortController().signal);
  expect(store.disk.get(SLOT)?.claim).toEqual({ epoch: 5, node: 2 });
});

test('what the store has lost is written again, also when nothing changes', async () => {
  const { clock, store, state } = await held(through);
  await state.change(change('a'));
  store.disk.clear();
  clock.pass(10_000);
  await vi.waitUntil(() => store.text()['a'] === '1' && stored(state)?.isCurrent);
});

test('another store gets all of it', async () => {
  const { other, state } = await held(through);
  await state.change(change('a'));
  state.follow({ ...through, store: 'redis://two' });
  await state.change(change('b'));
  expect(other.text()).toEqual({ a: '1', b: '1' });
});

test('who leaves writes what is left, and what waited for it settles', async () => {
  const { store, state } = await held(through);
  store.isSlow = true;
  const last = watched(state.change(change('a')));
  await vi.waitUntil(() => store.writes === 2);
  const left = state.leave(new AbortController().signal);
  await expect(state.change(change('b'))).rejects.toMatchObject({ code: 'closed' });
  store.isSlow = false;
  store.go();
  await left;
  expect(last.now()).toBe('settled');
  expect((await store.look(SLOT)).mark).toContain('state=ended');
});

test('with a store that is gone others are not kept waiting', async () => {
  const { clock, store, state } = await held(through);
  store.fault = 'unavailable';
  const last = watched(state.change(change('a')));
  const left = watched(state.leave(new AbortController().signal).then(() => undefined));
  await vi.waitUntil(() => {
    clock.pass(500);
    return left.now() === 'settled';
  });
  expect(clock.nowMs()).toBeGreaterThanOrEqual(5_000);
  await vi.waitUntil(() => last.now() === 'closed');
});
