// SPDX-License-Identifier: Apache-2.0
import type { DeclaredPool } from '../declared/set.ts';
import type { Observed } from './observed.ts';

/*
 * What is declared, and what is observed at a moment, is never changed. So what follows from it alone is worked out once, and
 * forgotten with it.
 */

/** What follows from one thing. */
export function once<Key extends object, Result>(rule: (key: Key) => Result): (key: Key) => Result {
  const known = new WeakMap<Key, { readonly result: Result }>();
  return (key) => {
    const { result } = known.get(key) ?? remember(known, key, { result: rule(key) });
    return result;
  };
}

/** What follows for a pool from an observation. */
export function onceIn<Result>(
  rule: (pool: DeclaredPool, observed: Observed) => Result,
): (pool: DeclaredPool, observed: Observed) => Result {
  const inObservation = once((observed: Observed) => once((pool: DeclaredPool) => rule(pool, observed)));
  return (pool, observed) => inObservation(observed)(pool);
}

function remember<Key extends object, Value>(known: WeakMap<Key, Value>, key: Key, value: Value): Value {
  known.set(key, value);
  return value;
}
