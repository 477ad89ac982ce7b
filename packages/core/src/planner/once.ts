// SPDX-License-Identifier: Apache-2.0
import type { DeclaredPool } from '../declared/set.ts';
import { once } from '../once.ts';
import type { Observed } from './observed.ts';

/** What follows for a pool from an observation. */
export function onceIn<Result>(
  rule: (pool: DeclaredPool, observed: Observed) => Result,
): (pool: DeclaredPool, observed: Observed) => Result {
  const inObservation = once((observed: Observed) => once((pool: DeclaredPool) => rule(pool, observed)));
  return (pool, observed) => inObservation(observed)(pool);
}
