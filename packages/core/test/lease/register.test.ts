// SPDX-License-Identifier: Apache-2.0
import type { StoredRegister } from '@vnfpool/wire/lease';
import { describe, expect, test } from 'vitest';
import { LeaseMember } from '../../src/lease/member.ts';
import { mergeRegisters } from '../../src/lease/register.ts';
import { LeaseRules } from '../../src/lease/rules.ts';

const A = { node: 1, incarnation: 1n };
const B = { node: 2, incarnation: 1n };
const C = { node: 3, incarnation: 1n };

function register(
  promised: readonly [round: number, proposer: typeof A, closed?: boolean],
  accepted: readonly [round: number, proposer: typeof A, released?: boolean],
): StoredRegister {
  return {
    promised: { round: promised[0], proposer: promised[1], closed: promised[2] ?? false },
    accepted: {
      round: accepted[0],
      proposer: accepted[1],
      released: accepted[2] === true ? 'handover' : null,
      value: {
        holder: { node: accepted[1].node, functionId: 16, functionIncarnation: 1n },
        candidates: [],
        lastResort: { rule: 'never' },
        lossMark: false,
        leaseMs: 300,
        randomId: '0000000000000001',
      },
    },
    longestLeaseMs: 300 * accepted[0],
  };
}

describe('what several members kept, put together', () => {
  test('nothing of nobody', () => {
    expect(mergeRegisters([])).toBeNull();
  });

  test.each([
    [
      'the highest promise',
      [register([7, A], [1, B]), register([5, B], [1, B])],
      { round: 7, proposer: A, closed: false },
    ],
    [
      'an end that one has heard of',
      [register([7, A], [1, B]), register([7, A, true], [1, B])],
      { round: 7, proposer: A, closed: true },
    ],
    [
      "a round promised to two and accepted of nobody is nobody's",
      [register([7, A], [1, B]), register([7, B], [1, B])],
      { round: 7, proposer: A, closed: true },
    ],
    [
      'a round promised to two belongs to whose value stands',
      [register([7, A], [1, B]), register([7, B], [7, B])],
      { round: 7, proposer: B, closed: false },
    ],
    [
      'a round that is reserved stays the promise of its holder',
      [register([7, A], [7, B]), register([7, C], [1, B]), register([7, A], [1, B])],
      { round: 7, proposer: A, closed: false },
    ],
    [
      "a round that was reserved is its successor's as soon as one knows",
      [register([7, A], [7, B]), register([7, B], [7, B])],
      { round: 7, proposer: B, closed: false },
    ],
  ] as const)('%s', (_, registers, promised) => {
    expect(mergeRegisters(registers)?.promised).toEqual(promised);
    expect(mergeRegisters(registers.toReversed())?.promised).toMatchObject({
      round: promised.round,
      closed: promised.closed,
    });
  });

  const kept = (whose: typeof A, accepted: Parameters<typeof register>[1], round = 7): StoredRegister => ({
    ...register([round, whose], accepted),
    promised: { round, proposer: whose, closed: false, isHeirs: true },
  });

  test.each([
    [
      'is kept where all that know of it have',
      [kept(B, [6, A]), kept(B, [6, A]), register([6, A], [6, A])],
      true,
    ],
    [
      'is an ordinary one where somebody has it as that',
      [kept(B, [6, A]), register([7, B], [6, A])],
      undefined,
    ],
    ['is over where its end was heard of', [kept(B, [6, A]), register([7, B, true], [6, A])], undefined],
    ['is over where a higher one was promised', [kept(B, [6, A]), register([8, C], [6, A])], undefined],
    ["is the heir's where one has accepted it", [kept(B, [6, A]), register([7, B], [7, B])], undefined],
  ])('a round for an heir %s', (_, registers, isHeirs) => {
    for (const each of [registers, registers.toReversed()])
      expect(mergeRegisters(each)?.promised.isHeirs).toBe(isHeirs);
  });

  test('the highest value, its release, and the longest lease of all', () => {
    const merged = mergeRegisters([
      register([7, A], [3, A]),
      register([7, A], [3, A, true]),
      register([4, B], [4, B]),
    ]);
    expect(merged).toMatchObject({
      accepted: { round: 4, proposer: B, released: null },
      longestLeaseMs: 1_200,
    });
    const released = mergeRegisters([register([3, A], [3, A]), register([3, A], [3, A, true])]);
    expect(released?.accepted.released).toBe('handover');
  });

  test('a value whose end another has heard of, without having accepted it, is released', () => {
    const merged = mergeRegisters([register([9, B], [3, A]), register([3, A, true], [1, B])]);
    expect(merged?.accepted).toMatchObject({ round: 3, released: 'abandoned' });
  });
});

describe('a member takes over', () => {
  const SLOT = '00000000000000a1';
  /** It kept a promise to B and, in the round of the same number, what B proposed and then let go. */
  const own = register([2, B, true], [2, B, true]);
  const gathered = { stored: register([2, A], [2, A]), leaseUntilMs: 0 };

  function takenOver(voice: { readonly generation: number; readonly number: number }) {
    const member = new LeaseMember({
      startedAtMs: 0,
      driftBound: 0.01,
      rules: new LeaseRules(),
      restored: [{ ...own, type: 'slot', slot: SLOT, voice }],
    });
    return member.takeOver(SLOT, gathered, gathered.stored.accepted.value, {
      generation: 2,
      number: 2,
    });
  }

  test('nothing of its own of a former generation, in which the round was another one', () => {
    const { promised, accepted } = takenOver({ generation: 1, number: 7 });
    expect({ promised, accepted }).toEqual({
      promised: gathered.stored.promised,
      accepted: gathered.stored.accepted,
    });
  });

  test('what it kept in this generation beside what others did', () => {
    expect(takenOver({ generation: 2, number: 1 }).accepted.proposer).toEqual(B);
  });
});
