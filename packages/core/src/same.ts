// SPDX-License-Identifier: Apache-2.0

/** Whether two values of plain objects, lists and maps are the same all through; what is one object is not looked into. */
export function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((each, index) => isSame(each, b[index]));
  }
  if (a instanceof Map) {
    if (!(b instanceof Map) || a.size !== b.size) return false;
    for (const [key, value] of a) if (!b.has(key) || !isSame(value, b.get(key))) return false;
    return true;
  }
  if (Array.isArray(b) || b instanceof Map) return false;
  const [ours, theirs] = [a as Record<string, unknown>, b as Record<string, unknown>];
  let members = 0;
  for (const key in ours) {
    if (!isSame(ours[key], theirs[key]) || !(key in theirs)) return false;
    members++;
  }
  for (const _ in theirs) members--;
  return members === 0;
}
