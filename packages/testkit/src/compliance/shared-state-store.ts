// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import type { EntryUpdate, SharedStateStore, SlotClaim, SlotWrite } from '@vnfpool/store/shared-state';

/** One end of a store, and the way there. */
export interface GatedStore {
  readonly store: SharedStateStore;
  /** What is sent from now on waits on its way. */
  hold(): void;
  /** It arrives. */
  release(): void;
  /** The way breaks: what waits never arrives. What is sent later takes another one. */
  cut(): void;
  /** The next call arrives, and the way breaks before its answer. */
  loseAnswer(): void;
  /** Resolves when so many calls wait. */
  waits(): Promise<void>;
}

/** One store, empty at first; closed by whoever made it. */
export interface SharedStateScene {
  open(): SharedStateStore;
  openGated(): GatedStore;
  /** It loses everything. */
  lose(): Promise<void>;
}

export interface SharedStateCase {
  readonly name: string;
  run(scene: SharedStateScene): Promise<void>;
}

const SLOT = '00000000000000a1';
const OTHER = '00000000000000b2';
const one: SlotClaim = { epoch: 3, node: 1 };
const two: SlotClaim = { epoch: 7, node: 2 };
const octets = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));
const set = (entries: Readonly<Record<string, string | null>>): EntryUpdate[] =>
  Object.entries(entries).map(([key, value]) => ({ key, value: value === null ? null : octets(value) }));
const write = (
  from: string,
  to: string,
  entries: Readonly<Record<string, string | null>>,
  more: Partial<SlotWrite> = {},
): SlotWrite => ({ from, to, generation: 1, updates: set(entries), ...more });

/** All of a generation, as text; each page once. */
async function all(
  store: SharedStateStore,
  claim: SlotClaim,
  generation = 1,
  slot = SLOT,
): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  let cursor: string | null = null;
  do {
    const page = await store.read(slot, claim, generation, cursor);
    assert.ok(!page.isRefused);
    for (const [key, value] of page.entries) found[key] = Buffer.from(value).toString('latin1');
    ({ cursor } = page);
  } while (cursor !== null);
  return found;
}

function checked(
  name: string,
  check: (store: SharedStateStore, other: SharedStateStore, scene: SharedStateScene) => Promise<void>,
): SharedStateCase {
  return {
    name,
    run: async (scene) => {
      const stores = [scene.open(), scene.open()] as const;
      try {
        await check(...stores, scene);
      } finally {
        await Promise.all(stores.map((store) => store.close()));
      }
    },
  };
}

function gated(
  name: string,
  check: (gate: GatedStore, other: SharedStateStore) => Promise<void>,
): SharedStateCase {
  return checked(name, async (_, other, scene) => {
    const gate = scene.openGated();
    try {
      await gate.store.claim(SLOT, one);
      assert.deepEqual(await gate.store.write(SLOT, one, write('', 'm1', { a: '1' })), { isRefused: false });
      await check(gate, other);
    } finally {
      await gate.store.close();
    }
  });
}

/** What every store of shared state promises; each case begins with an empty one. */
export const sharedStateCases: readonly SharedStateCase[] = [
  checked('what one holder wrote the next one reads', async (store, other) => {
    assert.deepEqual(await store.look(SLOT), { claim: null, mark: '' });
    assert.deepEqual(await store.claim(SLOT, one), { isClaimed: true, claim: one, mark: '' });
    await store.write(SLOT, one, write('', 'm1', { a: '1', b: '2' }));
    await store.write(SLOT, one, write('m1', 'm2', { a: null, c: '3' }));
    assert.deepEqual(await other.look(SLOT), { claim: one, mark: 'm2' });
    assert.deepEqual(await other.claim(SLOT, two), { isClaimed: true, claim: two, mark: 'm2' });
    assert.deepEqual(await all(other, two), { b: '2', c: '3' });
    assert.deepEqual(await other.write(SLOT, two, write('m2', 'm3', { a: '4' })), { isRefused: false });
    assert.deepEqual(await all(other, two), { a: '4', b: '2', c: '3' });
  }),
  checked('every octet of keys and values comes back, and values without any', async (store) => {
    const every = String.fromCharCode(...Array.from({ length: 256 }, (_, at) => at));
    const entries = { [every]: every, '': 'no key', none: '', '/': '0', 'a b': '\r\n' };
    await store.claim(SLOT, one);
    await store.write(SLOT, one, write('', 'm1', entries));
    assert.deepEqual(await all(store, one), entries);
  }),
  checked('many entries, and large ones, come in pages that have a bound', async (store) => {
    await store.claim(SLOT, one);
    const wanted: Record<string, string> = {};
    let mark = '';
    const put = async (entries: Record<string, string>): Promise<void> => {
      Object.assign(wanted, entries);
      const { length } = Object.keys(wanted);
      await store.write(SLOT, one, write(mark, `m${length}`, entries));
      mark = `m${length}`;
    };
    for (let at = 0; at < 1_000; at += 100)
      await put(Object.fromEntries(Array.from({ length: 100 }, (_, each) => [`k${at + each}`, `v${at}`])));
    for (let at = 0; at < 40; at++) await put({ [`large${at}`]: String(at).padEnd(65_536, 'x') });
    let cursor: string | null = null;
    const found: Record<string, string> = {};
    do {
      const page = await store.read(SLOT, one, 1, cursor);
      assert.ok(!page.isRefused);
      const weight = page.entries.reduce((sum, [, value]) => sum + value.length, 0);
      // So many small ones may have come before that the next ones are all large.
      assert.ok(weight <= 16 * 1024 ** 2, `a page of ${weight} octets`);
      for (const [key, value] of page.entries) found[key] = Buffer.from(value).toString('latin1');
      ({ cursor } = page);
    } while (cursor !== null);
    assert.deepEqual(found, wanted);
  }),
  checked('as much as the limits allow is one write', async (store) => {
    await store.claim(SLOT, one);
    const { updates, octets: most } = store.limits;
    const few = Object.fromEntries(Array.from({ length: updates }, (_, at) => [`k${at}`, String(at)]));
    await store.write(SLOT, one, write('', 'm1', few));
    const large = { a: 'a'.repeat(most / 2 - 1), b: 'b'.repeat(most / 2 - 1) };
    await store.write(SLOT, one, write('m1', 'm2', large));
    assert.deepEqual(await all(store, one), { ...few, ...large });
    const removed = Object.fromEntries(Object.keys(few).map((key) => [key, null]));
    await store.write(SLOT, one, write('m2', 'm3', removed));
    assert.deepEqual(await all(store, one), large);
  }),
  checked('more than the limits is refused, and changes nothing', async (store) => {
    await store.claim(SLOT, one);
    const { updates, octets: most, valueOctets } = store.limits;
    const many = Object.fromEntries(Array.from({ length: updates + 1 }, (_, at) => [`k${at}`, '']));
    for (const entries of [many, { a: 'a'.repeat(most), b: '' }, { a: 'a'.repeat(valueOctets + 1) }])
      await assert.rejects(store.write(SLOT, one, write('', 'm1', entries)), RangeError);
    await assert.rejects(async () => store.claim('../a', one), RangeError);
    assert.deepEqual(await store.look(SLOT), { claim: one, mark: '' });
  }),
  checked('a claim of a lower epoch is refused, with the one that is there', async (store, other) => {
    await store.claim(SLOT, two);
    assert.deepEqual(await other.claim(SLOT, one), { isClaimed: false, claim: two, mark: '' });
    // As text it would be above.
    assert.deepEqual(await other.claim(SLOT, { epoch: 10, node: 1 }), {
      isClaimed: true,
      claim: { epoch: 10, node: 1 },
      mark: '',
    });
    assert.equal((await store.claim(SLOT, two)).isClaimed, false);
    const most = { epoch: Number.MAX_SAFE_INTEGER, node: 0xffff_ffff };
    assert.deepEqual((await store.claim(SLOT, most)).claim, most);
    assert.equal((await other.claim(SLOT, { epoch: most.epoch - 1, node: 3 })).isClaimed, false);
  }),
  checked('of one epoch the first claimant has it, who may claim again', async (store, other) => {
    await store.claim(SLOT, one);
    await store.write(SLOT, one, write('', 'm1', { a: '1' }));
    assert.deepEqual(await store.claim(SLOT, one), { isClaimed: true, claim: one, mark: 'm1' });
    const beside = { ...one, node: 9 };
    assert.deepEqual(await other.claim(SLOT, beside), { isClaimed: false, claim: one, mark: 'm1' });
    assert.deepEqual(await other.write(SLOT, beside, write('m1', 'm2', {})), {
      isRefused: true,
      claim: one,
      mark: 'm1',
    });
  }),
  checked('of those that claim at once the highest has it in the end', async (store, other) => {
    const epochs = [4, 9, 2, 12, 7, 11, 1, 5];
    await Promise.all(
      epochs.map((epoch, at) => (at % 2 === 0 ? store : other).claim(SLOT, { epoch, node: epoch })),
    );
    assert.deepEqual((await store.look(SLOT)).claim, { epoch: 12, node: 12 });
  }),
  checked('whoever was overtaken writes, reads and removes nothing', async (store, other) => {
    await store.claim(SLOT, one);
    await store.write(SLOT, one, write('', 'm1', { a: '1' }));
    await other.claim(SLOT, two);
    const refused = { isRefused: true, claim: two, mark: 'm1' };
    assert.deepEqual(await store.write(SLOT, one, write('m1', 'm2', { a: 'stale', b: 'stale' })), refused);
    assert.deepEqual(await store.read(SLOT, one, 1, null), refused);
    assert.deepEqual(await store.remove(SLOT, one, [1]), refused);
    assert.deepEqual(await all(other, two), { a: '1' });
  }),
  checked('nobody writes without a claim', async (store) => {
    const refused = { isRefused: true, claim: null, mark: '' };
    assert.deepEqual(await store.write(SLOT, one, write('', 'm1', { a: '1' })), refused);
    assert.deepEqual(await store.look(SLOT), { claim: null, mark: '' });
  }),
  checked('a write that follows on another mark is refused', async (store) => {
    await store.claim(SLOT, one);
    await store.write(SLOT, one, write('', 'm1', { a: '1' }));
    for (const from of ['', 'm0'])
      assert.deepEqual(await store.write(SLOT, one, write(from, 'm2', { a: '2' })), {
        isRefused: true,
        claim: one,
        mark: 'm1',
      });
    assert.deepEqual(await all(store, one), { a: '1' });
  }),
  checked('a write that is repeated counts once', async (store) => {
    await store.claim(SLOT, one);
    for (let times = 0; times < 2; times++)
      assert.deepEqual(await store.write(SLOT, one, write('', 'm1', { a: '1' }, { isAnew: true })), {
        isRefused: false,
      });
    assert.deepEqual(await all(store, one), { a: '1' });
  }),
  checked('a new generation grows beside the one that is read, which goes then', async (store) => {
    await store.claim(SLOT, one);
    await store.write(SLOT, one, write('', 'm1', { a: '1', old: '1' }));
    const next = { generation: 2 };
    // What an attempt before has left does not count.
    await store.write(SLOT, one, write('m1', 'm2', { left: 'over' }, next));
    await store.write(SLOT, one, write('m2', 'm3', { a: '2' }, { ...next, isAnew: true }));
    assert.deepEqual(await all(store, one), { a: '1', old: '1' });
    await store.write(SLOT, one, write('m3', 'm4', { b: '2' }, { ...next, dropped: 1 }));
    assert.deepEqual(await all(store, one, 2), { a: '2', b: '2' });
    assert.deepEqual(await all(store, one, 1), {});
    await store.write(SLOT, one, write('m4', 'm5', {}, { generation: 3, isAnew: true, dropped: 2 }));
    assert.deepEqual(await all(store, one, 2), {});
  }),
  checked('slots are strangers to each other', async (store) => {
    await store.claim(SLOT, one);
    await store.claim(OTHER, one);
    await store.write(SLOT, one, write('', 'm1', { a: '1' }));
    await store.write(SLOT, one, write('m1', 'm2', { b: '1' }, { generation: 10 }));
    await store.write(OTHER, one, write('', 'm1', { a: '2' }));
    await store.remove(OTHER, one, [1]);
    assert.deepEqual(await store.look(OTHER), { claim: one, mark: '' });
    assert.deepEqual(await all(store, one, 1, OTHER), {});
    assert.deepEqual(await all(store, one), { a: '1' });
    assert.deepEqual(await all(store, one, 10), { b: '1' });
  }),
  checked('a store that lost everything has no claim, and says so', async (store, other, scene) => {
    await store.claim(SLOT, one);
    await store.write(SLOT, one, write('', 'm1', { a: '1' }));
    await scene.lose();
    assert.deepEqual(await store.write(SLOT, one, write('m1', 'm2', { b: '2' })), {
      isRefused: true,
      claim: null,
      mark: '',
    });
    await other.claim(SLOT, two);
    assert.deepEqual(await store.claim(SLOT, one), { isClaimed: false, claim: two, mark: '' });
    assert.deepEqual(await all(other, two), {});
  }),
  checked('who was closed takes nothing more', async (store, other) => {
    await store.claim(SLOT, one);
    await store.close();
    await assert.rejects(store.write(SLOT, one, write('', 'm1', { a: '1' })), { code: 'closed' });
    await assert.rejects(store.look(SLOT), { code: 'closed' });
    assert.deepEqual(await other.look(SLOT), { claim: one, mark: '' });
  }),
  gated('a write that is on its way when somebody else claims is refused', async (gate, other) => {
    gate.hold();
    const late = gate.store.write(SLOT, one, write('m1', 'm2', { a: 'stale', b: 'stale' }));
    await gate.waits();
    assert.equal((await other.claim(SLOT, two)).isClaimed, true);
    gate.release();
    assert.deepEqual(await late, { isRefused: true, claim: two, mark: 'm1' });
    assert.deepEqual(await all(other, two), { a: '1' });
  }),
  gated('a write whose way broke before it arrived may be repeated', async (gate, other) => {
    gate.hold();
    const lost = assert.rejects(gate.store.write(SLOT, one, write('m1', 'm2', { b: '2' })), {
      code: 'unavailable',
    });
    await gate.waits();
    gate.cut();
    await lost;
    assert.equal((await other.look(SLOT)).mark, 'm1');
    assert.deepEqual(await gate.store.write(SLOT, one, write('m1', 'm2', { b: '2' })), { isRefused: false });
    assert.deepEqual(await all(other, one), { a: '1', b: '2' });
  }),
  gated('a write whose answer was lost may be repeated', async (gate, other) => {
    gate.loseAnswer();
    await assert.rejects(gate.store.write(SLOT, one, write('m1', 'm2', { b: '2' })), { code: 'unavailable' });
    assert.equal((await other.look(SLOT)).mark, 'm2');
    assert.deepEqual(await gate.store.write(SLOT, one, write('m1', 'm2', { b: '2' })), { isRefused: false });
    assert.deepEqual(await all(other, one), { a: '1', b: '2' });
  }),
];
