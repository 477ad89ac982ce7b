// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { MobilityNode } from '../../src/mobility/index.ts';
import { seededRandom } from '../handlespace/seeded-random.ts';

/** The number of the REGISTRATION of an agent that begins. */
function firstNumber(lastSequence?: number): number | undefined {
  const node = new MobilityNode({
    random: seededRandom(1),
    nodeId: 10,
    highestTerm: 0n,
    bootTime: 1n,
    instance: 2n,
    addresses: [],
    ...(lastSequence === undefined ? {} : { lastSequence }),
  });
  node.handle({ type: 'start' }, 0);
  const [sent] = node
    .handle({ type: 'connected', connection: 1 }, 0)
    .flatMap((output) => (output.type === 'send' ? [output.message] : []));
  return sent?.type === 'registration' ? sent.sequence : undefined;
}

test.each([
  { lastSequence: undefined, first: 1 },
  // A plain manager answers a number that it knows from memory, and hears nothing new.
  { lastSequence: 4711, first: 4712 },
  { lastSequence: 2 ** 24 - 1, first: 1 },
])(
  'an agent of the same boot time goes on behind the numbers of the one before: %o',
  ({ lastSequence, first }) => {
    expect(firstNumber(lastSequence)).toBe(first);
  },
);
