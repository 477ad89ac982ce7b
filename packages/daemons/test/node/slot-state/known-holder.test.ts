// SPDX-License-Identifier: Apache-2.0
import type { CouncilDefinition, SlotDefinition, SlotState } from '@vnfpool/wire/mobility';
import { describe, expect, test } from 'vitest';
import { KnownHolder } from '../../../src/node/slot-state/known-holder.ts';

const SELF = 3;
const epochOf = (generation: number, round: number): number => generation * 2 ** 40 + round;
const candidates = [1, 2, SELF].map((node) => ({ node, functionId: node }));

function known(generation = 1): KnownHolder {
  const holder = new KnownHolder(SELF);
  const councils = [
    { id: 1, version: { generation, number: 1, randomId: '' } },
  ] as unknown as CouncilDefinition[];
  holder.define({ candidates } as unknown as SlotDefinition, councils);
  return holder;
}

const seen = (node: number, epoch: number, more: Partial<SlotState> = {}): SlotState => ({
  id: '00000000000000a1',
  state: 'held',
  epoch: String(epoch),
  holder: { node, functionId: node },
  candidates,
  reason: '',
  ...more,
});

describe('a stream', () => {
  test.each<[string, readonly SlotState[], number | null, number, string | undefined]>([
    ['before anything was seen', [], 1, epochOf(1, 5), undefined],
    ['of a peer without a number', [], null, epochOf(1, 5), 'protocol'],
    ['of no candidate', [], 4, epochOf(1, 5), 'protocol'],
    [
      'of no candidate any more that still holds the slot',
      [seen(4, epochOf(1, 5))],
      4,
      epochOf(1, 5),
      undefined,
    ],
    [
      'of a candidate in the value that the manager has not told of',
      [seen(1, epochOf(1, 5), { candidates: [{ node: 4, functionId: 4 }] })],
      4,
      epochOf(1, 6),
      undefined,
    ],
    ['of another generation', [], 1, epochOf(2, 5), 'protocol'],
    ['of a generation that was seen', [seen(1, epochOf(2, 5))], 1, epochOf(2, 5), undefined],
    ['as far ahead as may be', [seen(1, epochOf(1, 5))], 2, epochOf(1, 5 + 2 ** 24), undefined],
    ['further ahead', [seen(1, epochOf(1, 5))], 2, epochOf(1, 6 + 2 ** 24), 'protocol'],
    [
      'of the holder, from before its list was changed',
      [seen(1, epochOf(1, 9))],
      1,
      epochOf(1, 5),
      undefined,
    ],
    ['of another one that was before', [seen(1, epochOf(1, 9))], 2, epochOf(1, 8), 'old-epoch'],
    ['of a successor', [seen(1, epochOf(1, 9))], 2, epochOf(1, 10), undefined],
    [
      'of a successor, with the epoch that was let go for it',
      [seen(1, epochOf(1, 9)), seen(1, epochOf(1, 10), { state: 'free', isReleased: true })],
      2,
      epochOf(1, 10),
      undefined,
    ],
    [
      'of the one before, when this node is granted the slot',
      [seen(SELF, epochOf(1, 9))],
      1,
      epochOf(1, 5),
      undefined,
    ],
    [
      'of a holder that stays after a hand-over has failed',
      [seen(1, epochOf(1, 5)), seen(2, epochOf(1, 6)), seen(1, epochOf(1, 7))],
      1,
      epochOf(1, 4),
      undefined,
    ],
    [
      'of a holder of which something older is told late',
      [seen(2, epochOf(1, 6)), seen(1, epochOf(1, 5))],
      1,
      epochOf(1, 5),
      'old-epoch',
    ],
  ])('%s', (_what, states, node, epoch, reason) => {
    const holder = known();
    for (const state of states) holder.observe(state);
    expect(holder.refusal(node, epoch)?.reason).toBe(reason);
  });

  test('is let in as soon as the council is in its generation', () => {
    expect(known(2).refusal(1, epochOf(2, 5))).toBeUndefined();
  });
});

test('another holder is told once', () => {
  const holder = known();
  const states = [seen(1, 5), seen(1, 6), seen(2, 7), seen(2, 7), seen(1, 6)];
  expect(states.map((state) => holder.observe(state))).toEqual([true, false, true, false, false]);
});
