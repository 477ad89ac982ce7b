// SPDX-License-Identifier: Apache-2.0
import type { LeaseSlotMessage } from '@vnfpool/wire/lease';
import { beforeEach, describe, expect, test } from 'vitest';
import { type Bench, held, LEASE_MS, SLOT } from './harness.ts';

/* Who follows without a decision: its round is kept by a majority while the holder stays. */

const sent = <Type extends LeaseSlotMessage['type']>(bench: Bench, type: Type, from?: number) =>
  bench.sent.flatMap(({ message, ...rest }) =>
    message.type === type && (from === undefined || rest.from === from)
      ? [{ ...rest, message: message as Extract<LeaseSlotMessage, { type: Type }> }]
      : [],
  );

/** Node 1 holds and has node 2 as its heir. */
function settled(members: readonly number[] = [1, 2, 3], candidates: readonly number[] = members): Bench {
  const bench = held(members, candidates, { namesHeirs: true });
  bench.run(3 * LEASE_MS);
  return bench;
}

function exits(bench: Bench): number {
  bench.input(1, { type: 'candidate-gone', slot: SLOT, functionId: 16 });
  return bench.nowMs;
}

describe('a holder that stays', () => {
  test('asks who would follow, and a majority to keep the next round for that one; its own goes on', () => {
    const bench = settled();
    const [first] = bench.all('granted');
    expect(sent(bench, 'ready', 2)).toHaveLength(1);
    expect(sent(bench, 'ready', 3)).toEqual([]);
    const kept = sent(bench, 'entrust', 1);
    expect(kept.map(({ to }) => to)).toEqual([2, 3]);
    expect(kept[0]?.message).toMatchObject({ heldRound: 1, round: 2, heir: { node: 2, incarnation: 1n } });
    bench.run(4 * LEASE_MS);
    expect(bench.all('granted')).toEqual([first]);
    expect(bench.all('renumbered')).toEqual([]);
    expect(bench.serving()).toEqual([1]);
    // Nothing is got ready for one that is only asked.
    expect(bench.all('offered')).toEqual([]);
  });

  test('does not ask where its state is shared', () => {
    const slotOptions = { sharing: { method: 'replicate' } } as Bench['slotOptions'];
    const bench = held([1, 2, 3], [1, 2, 3], { namesHeirs: true, slotOptions });
    bench.run(3 * LEASE_MS);
    expect(sent(bench, 'offer')).toEqual([]);
  });

  test('does not ask a candidate that is no member: it has no answers of that one', () => {
    const bench = settled([1, 2, 3], [1, 4]);
    expect(sent(bench, 'offer')).toEqual([]);
  });

  test('asks again seldom; another one that is first then is its heir instead', () => {
    const bench = settled();
    bench.ready(2, 1);
    bench.ready(3, 0);
    bench.run(21 * LEASE_MS);
    expect(sent(bench, 'ready', 3)).toHaveLength(1);
    expect(sent(bench, 'entrust', 1).at(-1)?.message).toMatchObject({ round: 3, heir: { node: 3 } });
    exits(bench);
    bench.run(LEASE_MS / 10);
    expect(bench.last('granted')).toMatchObject({ node: 3, cause: 'function-exit' });
    expect(sent(bench, 'hand-on')[0]?.message).toMatchObject({ round: 3 });
  });

  test('has none where nobody answers any more', () => {
    const bench = settled();
    bench.ready(2, 0, 1n, false);
    bench.ready(3, 1);
    bench.run(22 * LEASE_MS);
    exits(bench);
    bench.run(LEASE_MS / 2);
    expect(sent(bench, 'hand-on')).toEqual([]);
    expect(bench.last('granted')).toMatchObject({ node: 3, cause: 'function-exit' });
  });
});

describe('an heir', () => {
  let bench: Bench;
  beforeEach(() => {
    bench = settled();
  });

  test('begins by the word alone: no round is decided, and members accept it behind that', () => {
    const exitMs = exits(bench);
    bench.run(LEASE_MS, () => bench.all('granted', 2).length > 0);
    const granted = bench.last('granted');
    expect(granted).toMatchObject({
      node: 2,
      cause: 'function-exit',
      fencedBy: 'release',
      previous: { node: 1 },
    });
    expect(granted.atMs - exitMs).toBe(bench.delayMs);
    bench.run(3 * LEASE_MS);
    expect(bench.serving()).toEqual([2]);
    expect(bench.all('granted')).toHaveLength(2);
    expect(bench.all('lost')).toHaveLength(1);
    expect(sent(bench, 'prepare').filter(({ message }) => message.round > 1)).toEqual([]);
    expect(sent(bench, 'accept', 2).map(({ message }) => message.round)).toEqual([2, 2]);
  });

  test('counts its lease from an answer that the last renewal came behind', () => {
    bench.isLost = (from) => from === 2;
    const exitMs = exits(bench);
    bench.run(LEASE_MS / 20);
    const [fence] = bench.all('fence-until', 2);
    const answers = bench
      .all('send', 2)
      .filter(
        ({ to, messages, atMs }) =>
          to === 1 && atMs <= exitMs && messages.some(({ type }) => type === 'renewed'),
      );
    const moments = answers.map(({ atMs }) => atMs);
    // Not the last one: nothing tells that a member has renewed anything behind that.
    expect(moments.map((atMs) => atMs + 0.99 * LEASE_MS)).toContain(fence?.untilMs);
    expect((fence?.untilMs ?? 0) - exitMs).toBeLessThan(0.7 * LEASE_MS);
    // Nobody accepts its round: it is over before anybody else begins.
    bench.run(3 * LEASE_MS);
    expect(bench.last('lost', 2).reason).toBe('expired');
    expect(bench.last('granted')).toMatchObject({ node: 3 });
    expect(bench.last('granted').atMs).toBeGreaterThan(fence?.untilMs ?? Infinity);
  });

  test('that dies behind the word leaves the slot to the others when the lease is over', () => {
    exits(bench);
    bench.stop(2);
    bench.run(2 * LEASE_MS);
    expect(bench.last('granted')).toMatchObject({ node: 3 });
  });

  test('whose function has ended says no, and the next one need not wait for the lease', () => {
    bench.ready(2, 0, 1n, false);
    const exitMs = exits(bench);
    bench.run(2 * LEASE_MS, () => bench.all('granted').length > 1);
    expect(bench.last('granted')).toMatchObject({ node: 3 });
    expect(bench.nowMs - exitMs).toBeLessThan(LEASE_MS / 2);
  });

  test('that was started anew is none: the holder knows by its answers', () => {
    bench.stop(2);
    bench.start(2);
    bench.ready(2, 0);
    bench.run(LEASE_MS);
    exits(bench);
    bench.run(LEASE_MS, () => bench.all('granted').length > 1);
    expect(sent(bench, 'hand-on').every(({ message }) => message.answeredSerial === null)).toBe(true);
    expect(bench.last('granted').fencedBy).toBe('release');
  });

  test('that was replaced by its next process declines what it does not know', () => {
    const handedOn = bench.handOn(2);
    bench.goOn(2, handedOn);
    bench.ready(2, 0);
    const exitMs = exits(bench);
    bench.run(2 * LEASE_MS, () => bench.all('granted').length > 1);
    expect(bench.last('granted').atMs - exitMs).toBeLessThan(LEASE_MS / 2);
  });

  test('hands on itself, to whom it has found', () => {
    exits(bench);
    bench.run(LEASE_MS, () => bench.all('granted').length > 1);
    bench.ready(3, 0);
    bench.run(3 * LEASE_MS);
    bench.input(2, { type: 'candidate-gone', slot: SLOT, functionId: 32 });
    const exitMs = bench.nowMs;
    bench.run(LEASE_MS, () => bench.all('granted').length > 2);
    expect(bench.last('granted')).toMatchObject({ node: 3, previous: { node: 2 } });
    expect(bench.nowMs - exitMs).toBe(bench.delayMs);
  });
});

describe('who has handed on to an heir', () => {
  test('tries for nothing while that one acts within its lease', () => {
    const bench = settled();
    exits(bench);
    bench.ready(1, 0);
    bench.isLost = (from) => from !== 1;
    const exitMs = bench.nowMs;
    bench.run(1.01 * LEASE_MS - 1);
    expect(sent(bench, 'prepare', 1).filter(({ atMs }) => atMs >= exitMs)).toEqual([]);
    bench.run(2 * LEASE_MS);
    expect(sent(bench, 'prepare', 1).filter(({ atMs }) => atMs >= exitMs).length).toBeGreaterThan(0);
  });

  test('does not use an heir while a round of its own is under way', () => {
    const bench = settled();
    bench.candidates = [1, 2];
    bench.input(1, bench.configuration());
    exits(bench);
    bench.run(LEASE_MS, () => bench.all('granted').length > 1);
    expect(sent(bench, 'hand-on').every(({ message }) => message.answeredSerial === null)).toBe(true);
  });

  test('does not use one whose answers it has not had for as long as two renewals', () => {
    const bench = settled();
    bench.isLost = (from, to) => from === 2 && to === 1;
    bench.run(0.9 * LEASE_MS);
    bench.isLost = () => false;
    exits(bench);
    bench.run(LEASE_MS, () => bench.all('granted').length > 1);
    expect(sent(bench, 'hand-on').every(({ message }) => message.answeredSerial === null)).toBe(true);
  });

  test('does not decline once more what it was handed itself: a late word must not end what came of it', () => {
    const bench = settled([1, 2, 3, 4, 5]);
    exits(bench);
    bench.run(10, () => bench.all('granted', 2).length > 0);
    const [word] = sent(bench, 'hand-on', 1);
    bench.ready(1, 0, 2n);
    for (const node of [3, 4, 5]) bench.ready(node, 1);
    bench.run(2 * LEASE_MS);
    // Its heir is node 1 again, and only that one hears how it lets go.
    bench.isLost = (from, to) => from < 3 && to >= 3;
    bench.input(2, { type: 'candidate-gone', slot: SLOT, functionId: 32 });
    bench.run(10, () => bench.all('granted', 1).length > 1);
    expect(bench.last('granted')).toMatchObject({ node: 1, cause: 'function-exit' });
    bench.isLost = () => false;
    bench.input(2, bench.datagram(1, 2, word === undefined ? [] : [word.message]));
    expect(bench.sent.at(-1)?.message).toMatchObject({ type: 'released', round: word?.message.round });
    bench.run(3 * LEASE_MS);
    expect(bench.serving()).toEqual([1]);
    expect(bench.last('granted')).toMatchObject({ node: 1 });
  });
});
