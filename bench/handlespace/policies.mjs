// SPDX-License-Identifier: Apache-2.0

const FULL = 0xffffffff;
const load = (random) => random.u32();
/** A tenth of the scale, one in a thousand for pools that are used a lot: the larger ones of a real service. */
const degradation = (random) => 4_294_967 + (random.u32() % 4_294_967);
const weight = (random) => 1 + (random.u32() % 10);

/**
 * Policies as measured: the values of an element, and for the plain version either the rank or the weight that they
 * give. The names are rsplib's.
 */
export const POLICIES = {
  RR: { make: () => ({ type: 'round-robin' }), rank: () => 0 },
  WRR: {
    make: (random) => ({ type: 'weighted-round-robin', weight: weight(random) }),
    credit: ({ weight: is }) => is,
  },
  RAND: { make: () => ({ type: 'random' }), weight: () => 1 },
  WRAND: {
    make: (random) => ({ type: 'weighted-random', weight: weight(random) }),
    weight: ({ weight: is }) => is,
  },
  PRIO: {
    make: (random) => ({ type: 'priority', priority: random.u32() % 100 }),
    rank: ({ priority }) => -priority,
  },
  LU: { make: (random) => ({ type: 'least-used', load: load(random) }), rank: (policy) => policy.load },
  LUD: {
    make: (random) => ({
      type: 'least-used-degradation',
      load: load(random),
      degradation: degradation(random),
    }),
    rank: (policy, uses) => Math.min(FULL, policy.load + uses * policy.degradation),
  },
  PLU: {
    make: (random) => ({ type: 'priority-least-used', load: load(random), degradation: degradation(random) }),
    rank: (policy) => Math.min(FULL, policy.load + policy.degradation),
  },
  RLU: {
    make: (random) => ({ type: 'randomized-least-used', load: load(random) }),
    weight: (policy) => Math.max(1, FULL - policy.load),
  },
};
