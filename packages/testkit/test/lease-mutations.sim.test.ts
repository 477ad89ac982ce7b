// SPDX-License-Identifier: Apache-2.0
import {
  BROKEN_AGENTS,
  LEASE_MUTATIONS,
  type LeaseWorldOptions,
  LIVENESS_MUTATIONS,
  runLeaseWorld,
  type WorldPlan,
} from '@vnfpool/testkit/lease-world';
import { describe, expect, test } from 'vitest';

/** The rarest is found in some 1,100 seeds. */
const SEEDS_MAX = 6000;

const HEIRS: Partial<WorldPlan> = { namesHeirs: true, shares: false, creep: 0, isForced: false, faults: 8 };

/** Nothing happens but what is asked for. */
const STILL: Partial<WorldPlan> = {
  ...HEIRS,
  nodes: 3,
  slots: 1,
  outsiders: 0,
  changesCouncil: false,
  leavesOneDead: false,
  loss: 0,
  straggle: 0,
  stepFault: 0,
  faults: 0,
};

/** What has to happen for a broken rule to show, where few worlds have it. */
const RARE: Readonly<Record<string, Partial<WorldPlan>>> = {
  'a wrong clock relied on': { creep: -1.9 },
  'council changed without floor and muteness': { changesCouncil: true },
  'answers of another council count': { changesCouncil: true },
  'no waiting after a forced decision': { isForced: true },
  'nothing known after a forced decision taken for a birth': { isForced: true, shares: true },
  "what is reserved taken for the successor's own": { ...STILL, stuckHandOvers: 3 },
  'a lease that was let go of for an heir given to others': HEIRS,
  "an heir's lease counted from the word": HEIRS,
  // Its release has to come to nobody, and what it tries next to a majority, which the heir's question does not.
  'tries within a lease that was handed on to an heir': { ...STILL, unheardExits: 3 },
  // Of five, as the two that hear of each other are a majority of three.
  'a word that comes late declined once more': { ...STILL, nodes: 5, lateWords: 3 },
};

/** A world that merely comes to rest late, or not, is not unsafe. */
const LIVENESS = /not served|events|without a cause/;

/** The first violation of the kind that is looked for. */
function found(options: LeaseWorldOptions, isWanted: (violation: string) => boolean): string | undefined {
  for (let seed = 1; seed <= SEEDS_MAX; seed++) {
    const { violation } = runLeaseWorld(seed, options);
    if (violation !== undefined && isWanted(violation)) return violation;
  }
  return undefined;
}

const isUnsafe = (violation: string): boolean => !LIVENESS.test(violation);

describe('the lease world finds a violation for', () => {
  test.each([...LEASE_MUTATIONS])('%s', (name, rules) => {
    expect(found({ rules, override: RARE[name] ?? {} }, isUnsafe)).toBeDefined();
  });

  test.each([...BROKEN_AGENTS])('an agent with %s', (_, { override, ...manners }) => {
    expect(found({ manners, ...(override && { override }) }, isUnsafe)).toBeDefined();
  });
});

describe('the lease world says that it does not serve, or not for long, for', () => {
  test.each([...LIVENESS_MUTATIONS])('%s', (_, rules) => {
    expect(found({ rules }, (violation) => LIVENESS.test(violation))).toBeDefined();
    // It is not taken for unsafe.
    for (let seed = 1; seed <= 100; seed++) {
      expect(runLeaseWorld(seed, { rules }).violation ?? 'not served').toMatch(LIVENESS);
    }
  });
});
