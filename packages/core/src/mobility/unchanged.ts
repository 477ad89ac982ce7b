// SPDX-License-Identifier: Apache-2.0

/** Whether two lists of addresses are one: same entries in the same order. */
export function isSameList(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((entry, i) => entry === other[i]);
}

/** Whether two flat records say the same. */
export function isSameRecord(one: object, other: object): boolean {
  const [left, right] = [Object.entries(one), new Map(Object.entries(other))];
  return left.length === right.size && left.every(([key, value]) => right.get(key) === value);
}
