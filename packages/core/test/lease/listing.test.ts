// SPDX-License-Identifier: Apache-2.0
import type { CandidateState } from '@vnfpool/core/lease';
import type { SlotDefinition } from '@vnfpool/wire/mobility';
import { describe, expect, test } from 'vitest';
import { Bench, LEASE_MS, SLOT } from './harness.ts';

/* Slots whose state is shared: whoever takes one over has what was let out. */

const sharing: NonNullable<SlotDefinition['sharing']> = {
  method: 'replicate',
  lossUpdates: 0,
  acknowledgedBy: 0,
  overload: 'block',
};
const COPY: CandidateState = { hasCopy: true, ownEpoch: null };
const NOTHING: CandidateState = { hasCopy: false, ownEpoch: null };

function say(bench: Bench, node: number, state: CandidateState, incarnation = 1n): void {
  bench.input(node, {
    type: 'candidate-state',
    slot: SLOT,
    functionId: node * 16,
    functionIncarnation: incarnation,
    ready: true,
    rank: Math.max(0, node - 2),
    state,
  });
}

function list(bench: Bench, node: number, nodes: readonly number[], isAnew = false, serial = 1): void {
  const { epoch } = [...bench.all('granted', node), ...bench.all('renumbered', node)].at(-1) ?? { epoch: 0 };
  const candidates = nodes.map((each) => ({ node: each, functionId: each * 16 }));
  bench.input(node, { type: 'list', slot: SLOT, epoch, candidates, serial, isAnew });
}

/** Node 1 holds a slot with shared state; nobody has a copy yet. */
function shared(
  lastResort: SlotDefinition['lastResort'] = { rule: 'never' },
  members: readonly number[] = [1, 2, 3],
): Bench {
  const bench = new Bench(members, [1, 2, 3]);
  bench.slotOptions = { sharing, lastResort };
  for (const node of members) bench.start(node);
  for (const node of [1, 2, 3]) say(bench, node, NOTHING);
  bench.run(LEASE_MS, () => bench.all('fence-until', 1).length > 0);
  expect(bench.last('granted').node).toBe(1);
  return bench;
}

/** Node 1 dies; who serves some time later. */
function afterwards(bench: Bench, leases = 4): number[] {
  bench.stop(1);
  bench.run(leases * LEASE_MS);
  return bench.serving();
}

test('a slot that nobody has held has no state: its first candidates need none, and all are listed', () => {
  const bench = shared();
  expect(bench.last('granted').candidates.map(({ node }) => node)).toEqual([1, 2, 3]);
});

describe('the holder says who has its state', () => {
  test('and a value under another epoch lists itself and them; its fence stays open', () => {
    const bench = shared();
    const { epoch } = bench.last('granted');
    list(bench, 1, [3]);
    bench.run(20);
    expect(bench.last('renumbered')).toMatchObject({ formerEpoch: epoch, epoch: epoch + 1 });
    expect(bench.last('renumbered').candidates.map(({ node }) => node)).toEqual([1, 3]);
    expect(bench.all('fence-close')).toEqual([]);
  });

  test('nothing is asked of the council where that is what stands', () => {
    const bench = shared();
    list(bench, 1, [2, 3]);
    bench.run(LEASE_MS);
    expect(bench.all('renumbered')).toEqual([]);
    list(bench, 1, [2, 3], true);
    bench.run(20);
    expect(bench.all('renumbered')).toHaveLength(1);
  });

  test('and is told which word a value has regard to: nothing of an earlier one comes behind it', () => {
    const bench = shared();
    const serials = () => bench.all('renumbered').map(({ listSerial }) => listSerial);
    const proposed = (): void => {
      const before = bench.sent.length;
      bench.run(20, () => bench.sent.slice(before).some(({ message }) => message.type === 'accept'));
    };
    list(bench, 1, [3], false, 1);
    proposed();
    // A round is under way: the last word is for the next one.
    list(bench, 1, [2], false, 2);
    list(bench, 1, [2, 3], false, 3);
    bench.run(LEASE_MS);
    expect(serials()).toEqual([1, 3]);
    list(bench, 1, [2], false, 4);
    proposed();
    list(bench, 1, [3], false, 5);
    list(bench, 1, [2], false, 6);
    bench.run(LEASE_MS);
    expect(serials()).toEqual([1, 3, 6]);
  });

  test('what the manager would list makes no difference', () => {
    const bench = shared();
    list(bench, 1, [2]);
    bench.run(20);
    bench.candidates = [1, 3];
    for (const node of [1, 2, 3]) bench.input(node, bench.configuration());
    bench.run(LEASE_MS);
    expect(bench.last('renumbered').candidates.map(({ node }) => node)).toEqual([1, 2]);
  });

  test('under an epoch that is not its own nothing is listed', () => {
    const bench = shared();
    bench.input(1, { type: 'list', slot: SLOT, epoch: 1, candidates: [], serial: 1 });
    bench.input(2, {
      type: 'list',
      slot: SLOT,
      epoch: bench.last('granted').epoch,
      candidates: [],
      serial: 1,
    });
    bench.run(LEASE_MS);
    expect(bench.all('renumbered')).toEqual([]);
  });
});

describe('when the holder is gone', () => {
  test('a listed candidate with a copy takes the slot, and one that was removed does not', () => {
    const bench = shared();
    list(bench, 1, [3]);
    for (const node of [2, 3]) say(bench, node, COPY);
    bench.run(20);
    expect(afterwards(bench)).toEqual([3]);
    expect(bench.last('granted')).toMatchObject({ node: 3, lossMark: false });
  });

  test('its next holder lists itself, and not the one before, whose last updates are nobody’s', () => {
    const bench = shared();
    list(bench, 1, [2, 3]);
    for (const node of [2, 3]) say(bench, node, COPY);
    bench.run(20);
    expect(afterwards(bench)).toEqual([2]);
    expect(bench.last('granted').candidates.map(({ node }) => node)).toEqual([2, 3]);
  });

  test('a listed candidate that has lost its copy does not take it', () => {
    const bench = shared();
    list(bench, 1, [2, 3]);
    say(bench, 2, NOTHING);
    say(bench, 3, COPY);
    bench.run(20);
    expect(afterwards(bench)).toEqual([3]);
  });

  test('nor does one whose copy is lost while it tries', () => {
    const bench = shared();
    list(bench, 1, [2]);
    say(bench, 2, COPY);
    bench.run(20);
    bench.stop(1);
    bench.run(3 * LEASE_MS, () => bench.sent.some(({ message }) => message.type === 'prepare'));
    say(bench, 2, NOTHING);
    bench.run(3 * LEASE_MS);
    expect(bench.serving()).toEqual([]);
  });

  test('with nobody left nobody takes it, unless there is a last resort: then with a mark', () => {
    const bench = shared();
    list(bench, 1, []);
    for (const node of [2, 3]) say(bench, node, COPY);
    bench.run(20);
    expect(afterwards(bench, 20)).toEqual([]);
    const lossy = shared({ rule: 'after', afterMs: 2 * LEASE_MS });
    list(lossy, 1, []);
    for (const node of [2, 3]) say(lossy, node, COPY);
    lossy.run(20);
    const endedMs = lossy.nowMs + LEASE_MS;
    expect(afterwards(lossy, 8)).toHaveLength(1);
    expect(lossy.last('granted').lossMark).toBe(true);
    expect(lossy.last('granted').atMs).toBeGreaterThan(endedMs + LEASE_MS);
  });
});

describe('the last holder itself', () => {
  test('goes on where its function has acted under the epoch that stands', () => {
    const bench = shared();
    list(bench, 1, []);
    bench.run(20);
    const { epoch } = bench.last('renumbered');
    bench.stop(1);
    bench.run(3 * LEASE_MS);
    bench.start(1);
    say(bench, 1, { hasCopy: false, ownEpoch: epoch });
    bench.run(4 * LEASE_MS);
    expect(bench.serving()).toEqual([1]);
    expect(bench.last('granted').lossMark).toBe(false);
  });

  test.each([
    ['of an earlier epoch', 1, 1n],
    ['of no epoch', null, 1n],
    ['and a function that began anew', 'now', 2n],
  ] as const)('does not with a state %s', (_, own, incarnation) => {
    const bench = shared();
    list(bench, 1, []);
    bench.run(20);
    const { epoch } = bench.last('renumbered');
    bench.stop(1);
    bench.run(3 * LEASE_MS);
    bench.start(1);
    say(bench, 1, { hasCopy: false, ownEpoch: own === 'now' ? epoch : own }, incarnation);
    bench.run(6 * LEASE_MS);
    expect(bench.serving()).toEqual([]);
  });

  test('goes on with the copy that its agent has, when only its function began anew', () => {
    const bench = shared();
    list(bench, 1, []);
    bench.run(20);
    bench.input(1, { type: 'candidate-gone', slot: SLOT, functionId: 16 });
    bench.run(20);
    say(bench, 1, COPY, 2n);
    bench.run(4 * LEASE_MS);
    expect(bench.serving()).toEqual([1]);
    expect(bench.last('granted').lossMark).toBe(false);
  });

  test('keeps the mark of a loss when it follows on itself', () => {
    const bench = shared({ rule: 'after', afterMs: LEASE_MS });
    list(bench, 1, []);
    bench.run(20);
    const [node = 0] = afterwards(bench, 6);
    const { epoch, lossMark } = bench.last('granted', node);
    expect(lossMark).toBe(true);
    bench.input(node, { type: 'release', slot: SLOT, reason: 'operator' });
    say(bench, node, { hasCopy: false, ownEpoch: epoch });
    bench.run(4 * LEASE_MS);
    expect(bench.all('granted', node)).toHaveLength(2);
    expect(bench.last('granted')).toMatchObject({ node, lossMark: true });
  });
});

test('whoever lists itself behind a loss has lost it, also with a function that began anew and a copy from somewhere', () => {
  const bench = shared({ rule: 'after', afterMs: LEASE_MS });
  list(bench, 1, []);
  bench.run(20);
  const [node = 0] = afterwards(bench, 6);
  bench.stop(node);
  bench.run(LEASE_MS / 3);
  bench.start(node);
  say(bench, node, COPY, 2n);
  bench.run(6 * LEASE_MS);
  expect(bench.all('granted', node)).toHaveLength(2);
  expect(bench.last('granted')).toMatchObject({ node, functionIncarnation: 2n, lossMark: true });
});

describe('by the last resort', () => {
  /** Node 1 dies, and neither 2, which tries first, nor 3 is listed. */
  function left(second: CandidateState, third: CandidateState, members = [1, 2, 3]): Bench {
    const bench = shared({ rule: 'after', afterMs: LEASE_MS }, members);
    list(bench, 1, []);
    bench.run(20);
    bench.stop(1);
    say(bench, 2, second);
    say(bench, 3, third);
    return bench;
  }
  const upTo = (epoch: number, sequence: number): CandidateState => ({
    ...COPY,
    position: { epoch, sequence },
  });

  test.each([
    ['of a later epoch', upTo(5, 900), upTo(6, 3), 3],
    ['of a later update', upTo(6, 3), upTo(6, 4), 3],
    ['some of it', NOTHING, upTo(6, 3), 3],
    ['some of it', upTo(6, 3), NOTHING, 2],
    ['as much, and the lower Function ID', upTo(6, 3), upTo(6, 3), 2],
    ['nothing either, and the lower Function ID', NOTHING, NOTHING, 2],
  ] as const)('whoever has a copy %s goes first', (_, second, third, node) => {
    const bench = left(second, third);
    bench.run(8 * LEASE_MS);
    expect(bench.all('granted').map((each) => each.node)).toEqual([1, node]);
    expect(bench.last('granted').lossMark).toBe(true);
  });

  test('whoever has more is found outside of the council, too', () => {
    const bench = new Bench([1, 2, 5], [1, 2, 3]);
    bench.slotOptions = { sharing, lastResort: { rule: 'after', afterMs: LEASE_MS } };
    for (const node of [1, 2, 3, 5]) bench.start(node);
    for (const node of [1, 2, 3]) say(bench, node, NOTHING);
    bench.run(LEASE_MS, () => bench.all('fence-until', 1).length > 0);
    list(bench, 1, []);
    bench.run(20);
    bench.stop(1);
    say(bench, 2, upTo(6, 3));
    say(bench, 3, upTo(6, 4));
    bench.run(8 * LEASE_MS);
    expect(bench.serving()).toEqual([3]);
  });

  test('whoever has more and cannot be reached is not waited for', () => {
    const bench = left(upTo(6, 3), upTo(6, 4), [1, 2, 3, 4, 5]);
    bench.isLost = (from, to) => from === 3 || to === 3;
    bench.run(4 * LEASE_MS);
    expect(bench.serving()).toEqual([2]);
  });

  test('whoever has more and cannot take the slot is waited for some times only', () => {
    const bench = left(upTo(6, 3), upTo(6, 4), [1, 2, 3, 4, 5]);
    bench.isLost = (from, to) => (from === 3 && to !== 2) || (to === 3 && from !== 2);
    bench.run(3 * LEASE_MS);
    expect(bench.serving()).toEqual([]);
    bench.run(6 * LEASE_MS);
    expect(bench.serving()).toEqual([2]);
  });

  test('nobody is asked by whoever lacks nothing', () => {
    const bench = shared({ rule: 'after', afterMs: LEASE_MS });
    list(bench, 1, [2, 3]);
    for (const node of [2, 3]) say(bench, node, upTo(6, node));
    bench.run(20);
    bench.stop(1);
    bench.run(4 * LEASE_MS);
    expect(bench.serving()).toEqual([2]);
    expect(bench.sent.filter(({ message }) => message.type === 'standing')).toEqual([]);
  });
});

test('an operator’s word lets one candidate go on behind one epoch, with a mark', () => {
  const bench = shared();
  list(bench, 1, []);
  bench.run(20);
  const { epoch } = bench.last('renumbered');
  expect(afterwards(bench, 6)).toEqual([]);
  say(bench, 3, { ...NOTHING, acceptedLoss: epoch - 1 });
  bench.run(4 * LEASE_MS);
  expect(bench.serving()).toEqual([]);
  say(bench, 3, { ...NOTHING, acceptedLoss: epoch });
  bench.run(4 * LEASE_MS);
  expect(bench.serving()).toEqual([3]);
  expect(bench.last('granted')).toMatchObject({ node: 3, lossMark: true });
});

test('a hand-over goes to a listed candidate only', () => {
  const bench = shared();
  list(bench, 1, [3]);
  for (const node of [2, 3]) say(bench, node, COPY);
  bench.run(20);
  const to = (node: number) => ({ node, functionId: node * 16 });
  bench.input(1, { type: 'hand-over', slot: SLOT, to: to(2), nonce: '1' });
  expect(bench.last('hand-over-failed')).toMatchObject({ reason: 'unknown-candidate' });
  bench.input(1, { type: 'hand-over', slot: SLOT, to: to(3), nonce: '2' });
  bench.run(LEASE_MS);
  expect(bench.serving()).toEqual([3]);
});

test('a process that goes on for another has the hold, and no copies', () => {
  const bench = shared();
  list(bench, 1, [2]);
  say(bench, 2, COPY);
  bench.run(20);
  bench.goOn(2, bench.handOn(2));
  expect(afterwards(bench, 4)).toEqual([]);
});
