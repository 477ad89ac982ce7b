// SPDX-License-Identifier: Apache-2.0
import { epochOf } from '@vnfpool/core';
import type { LeaseMessage } from '@vnfpool/wire/lease';
import { beforeEach, describe, expect, test } from 'vitest';
import { type Bench, held, LEASE_MS, SLOT } from './harness.ts';

describe('a release', () => {
  let bench: Bench;
  beforeEach(() => {
    bench = held();
  });

  const releases = () => bench.sent.filter(({ message }) => message.type === 'release');

  test('is sent only after the kernel has acknowledged that the fence is closed', () => {
    bench.isObedient = false;
    const { epoch } = bench.last('granted');
    const outputs = bench.input(1, { type: 'release', slot: SLOT, reason: 'function-unhealthy' });
    // Who comes first is asked meanwhile, and its round decided for it.
    expect(outputs.filter(({ type }) => type !== 'send' && type !== 'persist')).toEqual([
      { type: 'fence-close', slot: SLOT, epoch, reason: 'function-unhealthy' },
    ]);
    expect(outputs.at(0)).toMatchObject({ type: 'send', messages: [{ type: 'offer' }, { type: 'prepare' }] });
    bench.run(LEASE_MS / 2);
    expect(releases()).toEqual([]);
    expect(bench.all('granted')).toHaveLength(1);
    expect(bench.all('fence-until').at(-1)?.atMs).toBeLessThanOrEqual(bench.last('fence-close').atMs);
    bench.input(1, { type: 'fence-closed', slot: SLOT, epoch });
    expect(releases().length).toBeGreaterThan(0);
    expect(bench.last('lost')).toMatchObject({ node: 1, reason: 'function-unhealthy' });
  });

  test("follows the function's exit at once; the next candidate holds after some two round trips", () => {
    bench.input(1, { type: 'candidate-gone', slot: SLOT, functionId: 16 });
    const exitMs = bench.nowMs;
    bench.run(LEASE_MS, () => bench.all('granted', 2).length > 0);
    const granted = bench.last('granted');
    expect(granted).toMatchObject({
      node: 2,
      cause: 'function-exit',
      fencedBy: 'release',
      previous: { node: 1 },
    });
    expect(granted.atMs - exitMs).toBeLessThanOrEqual(5 * bench.delayMs);
  });

  test('goes to members and candidates alike', () => {
    bench = held([1, 2, 3], [1, 4]);
    bench.run(LEASE_MS);
    bench.input(1, { type: 'candidate-gone', slot: SLOT, functionId: 16 });
    const exitMs = bench.nowMs;
    bench.run(LEASE_MS, () => bench.all('granted', 4).length > 0);
    const words = bench.sent.filter(({ message }) => ['release', 'hand-on'].includes(message.type));
    expect(new Set(words.map(({ to }) => to))).toEqual(new Set([2, 3, 4]));
    expect(bench.last('granted').atMs - exitMs).toBeLessThanOrEqual(6 * bench.delayMs);
  });

  test.each([false, true])(
    'goes to one that has tried in vain before, by a round that it has not begun (with heirs: %s)',
    (namesHeirs) => {
      // Outside the council nobody tells it of the lease but those that it asks.
      bench = held([1], [1, 2], { namesHeirs });
      bench.run(3 * LEASE_MS);
      const tried = bench.sent.filter(({ from, message }) => from === 2 && message.type === 'prepare');
      expect(tried.map(({ message }) => message.round)).toContain(2);
      bench.ready(1, 0, 1n, false);
      bench.input(1, { type: 'release', slot: SLOT, reason: 'function-unhealthy' });
      const letGoMs = bench.nowMs;
      bench.run(LEASE_MS, () => bench.all('granted', 2).length > 0);
      expect(bench.last('granted')).toMatchObject({ node: 2, fencedBy: 'release' });
      expect(bench.nowMs - letGoMs).toBeLessThanOrEqual(4 * bench.delayMs);
    },
  );

  test('is final at the holder: late answers change nothing, the way back is a fresh prepare', () => {
    const { epoch } = bench.last('granted');
    bench.isLost = (from) => from !== 1;
    bench.run(LEASE_MS / 2);
    const renewal = bench.sent.findLast(({ message }) => message.type === 'renew')?.message;
    if (renewal === undefined) throw new Error('no renewal');
    bench.input(1, { type: 'release', slot: SLOT, reason: 'operator' });
    bench.run(1);
    const { slot, serial, round } = renewal;
    const late = { type: 'renewed', slot, serial, round, incarnation: 1n } as const;
    const outputs = [
      ...bench.input(1, bench.datagram(2, 1, [late])),
      ...bench.input(1, bench.datagram(3, 1, [late])),
      ...bench.input(1, { type: 'activate', slot: SLOT, epoch }),
    ];
    expect(outputs).toEqual([]);
    bench.isLost = () => false;
    bench.ready(2, 1, 1n, false);
    bench.ready(3, 2, 1n, false);
    bench.run(2 * LEASE_MS);
    expect(bench.last('granted')).toMatchObject({ node: 1 });
    expect(bench.last('granted').epoch).toBeGreaterThan(epoch);
  });

  test('covers a renumbering that is on its way', () => {
    bench.candidates = [1, 2];
    bench.input(1, bench.configuration());
    // The promises come in; the accept for round 2 has left.
    bench.run(2);
    bench.input(1, { type: 'release', slot: SLOT, reason: 'operator' });
    bench.run(10);
    expect(bench.all('renumbered', 1)).toEqual([]);
    expect(releases()[0]?.message.round).toBe(2);
  });

  test('goes to whoever is first in the queue only, which is asked for ten milliseconds at most', () => {
    bench.ready(2, 0, 1n, false);
    bench.ready(3, 1);
    bench.input(1, { type: 'candidate-gone', slot: SLOT, functionId: 16 });
    const exitMs = bench.nowMs;
    bench.run(LEASE_MS, () => releases().length > 0);
    expect(bench.nowMs - exitMs).toBeLessThanOrEqual(10 + bench.delayMs);
    expect(releases()[0]?.message).toMatchObject({ successor: null });
    bench.run(LEASE_MS, () => bench.all('granted', 3).length > 0);
    expect(bench.last('granted')).toMatchObject({ node: 3, cause: 'function-exit', fencedBy: 'release' });
    // Nobody ordered it, so nobody is told that it failed.
    expect(bench.all('hand-over-failed')).toEqual([]);
  });

  test('leaves the successor its round where the fence takes longer to close than the round to be decided', () => {
    bench.isObedient = false;
    const { epoch } = bench.last('granted');
    bench.input(1, { type: 'candidate-gone', slot: SLOT, functionId: 16 });
    bench.run(LEASE_MS / 2);
    expect(bench.all('granted')).toHaveLength(1);
    bench.input(1, { type: 'fence-closed', slot: SLOT, epoch });
    bench.run(bench.delayMs);
    expect(bench.last('granted')).toMatchObject({ node: 2, cause: 'function-exit', fencedBy: 'release' });
    expect(bench.all('lost')).toHaveLength(1);
  });

  test('hears who answered while the fence was being closed, however long that took', () => {
    bench.isObedient = false;
    const { epoch } = bench.last('granted');
    bench.input(1, { type: 'candidate-gone', slot: SLOT, functionId: 16 });
    // Nothing is read meanwhile, and no timer runs.
    bench.nowMs += LEASE_MS / 10;
    bench.input(1, { type: 'fence-closed', slot: SLOT, epoch });
    bench.run(LEASE_MS / 10, () => bench.all('granted').length > 1);
    expect(bench.last('granted')).toMatchObject({ node: 2, epoch: epochOf(1, 2), cause: 'function-exit' });
  });

  test("goes out before its holder's own node makes anything of it, which may take longer than a failover", () => {
    bench.isObedient = false;
    const { epoch } = bench.last('granted');
    bench.input(1, { type: 'candidate-gone', slot: SLOT, functionId: 16 });
    const outputs = bench.input(1, { type: 'fence-closed', slot: SLOT, epoch });
    expect(outputs.map(({ type }) => type)).not.toContain('lost');
    bench.run(LEASE_MS, () => bench.all('lost').length > 0);
    const types = bench.events
      .filter(({ node }) => node === 1)
      .flatMap(({ output }): string[] =>
        output.type === 'send' ? output.messages.map(({ type }) => type) : [output.type],
      );
    expect(types).toContain('hand-on');
    expect(types.indexOf('lost')).toBeGreaterThan(types.lastIndexOf('hand-on'));
  });

  test('is for whoever comes where the council does not decide in time', () => {
    bench.isLost = (_from, _to, messages) => messages.some(({ type }) => type === 'promise');
    bench.input(1, { type: 'candidate-gone', slot: SLOT, functionId: 16 });
    bench.run(LEASE_MS / 10 + 2);
    bench.isLost = () => false;
    bench.run(LEASE_MS / 2, () => bench.all('granted').length > 1);
    expect(bench.last('granted')).toMatchObject({ node: 2, cause: 'function-exit' });
  });

  test('is repeated until every member has confirmed it', () => {
    bench.stop(2);
    let lost = 0;
    bench.isLost = (_from, to, messages) =>
      to === 3 && messages.some(({ type }) => type === 'release') && lost++ < 2;
    bench.input(1, { type: 'candidate-gone', slot: SLOT, functionId: 16 });
    bench.run(LEASE_MS, () => bench.all('granted', 3).length > 0);
    expect(bench.last('granted')).toMatchObject({ node: 3, cause: 'function-exit' });
    bench.run(3 * LEASE_MS);
    const toDead = releases().filter(({ to }) => to === 2);
    expect(toDead.length).toBeGreaterThan(2);
    expect(toDead.length).toBeLessThanOrEqual(11);
  });

  test('also follows when another start of the function is announced', () => {
    bench.ready(1, 0, 2n);
    expect(bench.last('fence-close')).toMatchObject({ node: 1, reason: 'function-exit' });
    bench.run(LEASE_MS);
    expect(bench.last('granted').node).toBe(2);
  });

  test('of a slot that is configured no more', () => {
    bench.input(1, { ...bench.configuration(), slots: [] });
    bench.run(10);
    expect(bench.last('lost')).toMatchObject({ node: 1 });
  });
});

describe('a planned hand-over', () => {
  let bench: Bench;
  beforeEach(() => {
    bench = held();
    bench.run(LEASE_MS);
  });

  const order = (node: number) =>
    bench.input(1, { type: 'hand-over', slot: SLOT, to: { node, functionId: node * 16 }, nonce: 'abc' });

  /** Types of what is sent from the order on. */
  const sentSince = (orderedMs: number) =>
    bench.sent.filter(({ atMs }) => atMs >= orderedMs).map(({ message }) => message.type);
  const word = (messages: readonly LeaseMessage[]) => messages.some(({ type }) => type === 'hand-on');

  test('makes, then breaks: the round of the successor stands before the fence closes, and one word is all it waits for', () => {
    const orderedMs = bench.nowMs;
    order(3);
    bench.run(LEASE_MS, () => bench.all('granted', 3).length > 0);
    const types = sentSince(orderedMs);
    const inOrder = ['offer', 'ready', 'prepare', 'promise', 'reserve', 'accepted', 'hand-on', 'released'];
    const places = inOrder.map((type) => types.indexOf(type as never));
    expect(places).not.toContain(-1);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    // The successor asked for nothing.
    expect(types).not.toContain('accept');
    const granted = bench.last('granted');
    expect(granted).toMatchObject({ node: 3, cause: 'handover', fencedBy: 'release', previous: { node: 1 } });
    expect(bench.last('fence-close', 1).atMs).toBeLessThan(granted.atMs);
    expect(granted.atMs - bench.last('fence-close', 1).atMs).toBeLessThanOrEqual(bench.delayMs);
  });

  test('counts the lease of the successor from before it was asked for', () => {
    const orderedMs = bench.nowMs;
    order(3);
    bench.run(LEASE_MS, () => bench.all('granted', 3).length > 0);
    const { leaseUntilMs } = bench.last('granted');
    expect(leaseUntilMs).toBeGreaterThan(bench.nowMs);
    expect(leaseUntilMs).toBeLessThanOrEqual(orderedMs + 2 * bench.delayMs + LEASE_MS);
    // Told with the offer, so that the fence can be made ready for it.
    expect(bench.last('offered', 3).untilMs).toBe(bench.last('granted', 3).leaseUntilMs);
  });

  test('lets the successor renew at once, by a round that is its own now', () => {
    order(3);
    bench.run(4 * LEASE_MS);
    expect(bench.all('granted')).toHaveLength(2);
    expect(bench.all('lost')).toMatchObject([{ node: 1, reason: 'handover' }]);
    expect(bench.last('observed', 2)).toMatchObject({ state: 'held', holder: { node: 3 } });
  });

  test('repeats the word until the successor has it', () => {
    bench.isLost = (_from, _to, messages) => word(messages);
    order(3);
    bench.run(LEASE_MS / 4);
    expect(bench.all('granted', 3)).toEqual([]);
    bench.isLost = () => false;
    bench.run(LEASE_MS / 4, () => bench.all('granted', 3).length > 0);
    expect(bench.last('granted')).toMatchObject({ node: 3, cause: 'handover' });
  });

  test('closes and lets go of everything when the successor cannot have its round', () => {
    bench.isLost = (_from, to, messages) => to === 1 && messages.some(({ type }) => type === 'accepted');
    order(3);
    bench.run(LEASE_MS, () => bench.all('lost', 1).length > 0);
    bench.isLost = () => false;
    expect(bench.last('hand-over-failed')).toMatchObject({ nonce: 'abc', reason: 'lost' });
    const { atMs } = bench.last('lost');
    bench.run(LEASE_MS, () => bench.all('granted').length > 1);
    // What was reserved is in nobody's way.
    expect(bench.nowMs - atMs).toBeLessThan(LEASE_MS / 2);
  });

  test('keeps a slot that its lease outlives: nothing of what was reserved is left behind', () => {
    bench.isLost = (_from, to, messages) => to === 1 && messages.some(({ type }) => type !== 'ready');
    order(3);
    bench.run(3 * LEASE_MS, () => bench.all('granted').length > 1);
    expect(bench.last('lost', 1)).toMatchObject({ reason: 'expired' });
  });

  test('is declined by a successor whose function has ended meanwhile: the next one follows at once', () => {
    bench.isLost = (_from, _to, messages) => word(messages);
    order(3);
    bench.run(LEASE_MS / 20);
    expect(bench.all('lost', 1)).toHaveLength(1);
    bench.ready(3, 1, 2n);
    bench.isLost = () => false;
    const fromMs = bench.nowMs;
    bench.run(LEASE_MS, () => bench.all('granted').length > 1);
    expect(bench.nowMs - fromMs).toBeLessThan(LEASE_MS / 2);
  });

  test('is declined by a successor that has begun the round itself, and may have let it go: its word may be on its way still', () => {
    bench = held([1, 2, 3], [1, 4]);
    bench.run(LEASE_MS);
    order(4);
    bench.run(LEASE_MS);
    bench.input(4, { type: 'hand-over', slot: SLOT, to: { node: 1, functionId: 16 }, nonce: 'abd' });
    // What it tries the next holder does not hear of; the others tell it that a lease runs.
    bench.isLost = (from, to, messages) =>
      from === 4 && to === 1 && messages.some(({ type }) => type === 'prepare');
    bench.run(3.5 * LEASE_MS);
    expect(bench.last('granted')).toMatchObject({ node: 1, epoch: epochOf(1, 3) });
    const begun = bench.sent.findLast(({ from, message }) => from === 4 && message.type === 'prepare');
    bench.isLost = () => false;
    const orderedMs = bench.nowMs;
    order(4);
    bench.run(LEASE_MS, () => bench.all('granted').length > 3);
    // It knows by the word that the slot is free.
    expect(bench.last('granted').node).toBe(4);
    expect(bench.nowMs - orderedMs).toBeLessThan(LEASE_MS / 2);
    const since = bench.sent.filter(({ atMs }) => atMs >= orderedMs);
    const given = since.find(({ message }) => message.type === 'hand-on')?.message.round ?? 0;
    expect(given).toBe(begun?.message.round);
    expect(since.map(({ message }) => message)).toContainEqual(
      expect.objectContaining({ type: 'release', round: given, reason: 'abandoned' }),
    );
    expect(bench.last('granted').epoch).toBeGreaterThan(epochOf(1, given));
  });

  test('is not taken up twice: a word that comes again is only confirmed', () => {
    order(3);
    bench.isLost = (from, _to, messages) => from === 3 && messages.some(({ type }) => type === 'released');
    bench.run(LEASE_MS / 2);
    expect(bench.all('granted', 3)).toHaveLength(1);
    expect(bench.all('lost', 3)).toEqual([]);
  });

  test('fails when its successor leaves the list before a round is reserved', () => {
    bench.isLost = (from) => from === 3;
    order(3);
    bench.slotOptions = { candidates: [1, 2].map((node) => ({ node, functionId: node * 16 })) };
    bench.input(1, bench.configuration());
    bench.isLost = () => false;
    bench.run(LEASE_MS);
    expect(bench.last('hand-over-failed')).toMatchObject({ reason: 'unknown-candidate' });
    expect(bench.all('lost')).toEqual([]);
  });

  test('breaks nothing until the successor is ready', () => {
    bench.ready(3, 2, 1n, false);
    order(3);
    bench.run(4 * LEASE_MS);
    expect(bench.last('hand-over-failed')).toMatchObject({ nonce: 'abc', reason: 'no-answer' });
    expect(bench.all('fence-close')).toEqual([]);
    expect(bench.all('lost')).toEqual([]);
  });

  test('is refused for an instance that is not listed, and by a node that does not hold', () => {
    order(7);
    expect(bench.last('hand-over-failed')).toMatchObject({ reason: 'unknown-candidate' });
    bench.input(2, { type: 'hand-over', slot: SLOT, to: { node: 3, functionId: 48 }, nonce: 'abc' });
    expect(bench.last('hand-over-failed')).toMatchObject({ node: 2, reason: 'not-holding' });
  });

  test('goes to the next in rank when the successor dies in between', () => {
    bench.isLost = (_from, to) => to === 3;
    bench.input(1, { type: 'hand-over', slot: SLOT, to: { node: 3, functionId: 48 }, nonce: 'abc' });
    bench.isLost = () => false;
    bench.run(LEASE_MS / 10 + 2.5);
    bench.stop(3);
    bench.run(2 * LEASE_MS);
    expect(bench.all('granted').length).toBeGreaterThan(1);
    expect(bench.last('granted').node).not.toBe(3);
  });
});

describe('a candidate without a majority', () => {
  test('takes its proposal back, so that nobody waits for it, and never acts under it', () => {
    const bench = held();
    bench.run(LEASE_MS);
    bench.stop(1);
    // Node 2 hears promises, but its accept reaches nobody else in time.
    bench.isLost = (from, _to, messages) => from === 2 && messages.some(({ type }) => type === 'accept');
    bench.run(2 * LEASE_MS, () =>
      bench.sent.some(({ from, message }) => from === 2 && message.type === 'release'),
    );
    const given = bench.sent.find(({ from, message }) => from === 2 && message.type === 'release')?.message;
    expect(given).toMatchObject({ reason: 'abandoned' });
    bench.isLost = () => false;
    bench.run(2 * LEASE_MS);
    const granted = bench.last('granted');
    expect(granted.epoch % 2 ** 40).toBeGreaterThan(given?.round ?? 0);
    expect(granted.cause).toBe('lease-expired');
  });
});
