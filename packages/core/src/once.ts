// SPDX-License-Identifier: Apache-2.0

/*
 * What is declared, configured, or observed at a moment is never changed. So what follows from it alone is worked out once, and
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

function remember<Key extends object, Value>(known: WeakMap<Key, Value>, key: Key, value: Value): Value {
  known.set(key, value);
  return value;
}
