// SPDX-License-Identifier: Apache-2.0

/**
 * How much a decoded value holds, in octets and properties. It bounds what a decoder allocates for good: a message
 * must not become much more than its octets.
 */
export function weightOf(value: unknown): number {
  let weight = 0;
  const open: unknown[] = [value];
  while (open.length > 0) {
    const next = open.pop();
    weight += 1;
    if (typeof next === 'string') weight += next.length;
    else if (next instanceof Uint8Array) weight += next.length;
    else if (typeof next === 'object' && next !== null) open.push(...Object.values(next));
  }
  return weight;
}

/**
 * What an input of so many octets may become. Four octets make an error cause, a wanted option or a skipped
 * parameter; none of these weighs more than 8.
 */
export function weightMax(octets: number): number {
  return 256 + 8 * octets;
}
