// SPDX-License-Identifier: Apache-2.0
import type { Random } from '../../core.ts';

/** A whole number from 0 to below `end`, all alike; `end` at most 2^53. */
export function below(random: Random, end: number): number {
  // 53 bits, all that a number holds: 32 would leave out small weights in a large sum.
  const fraction = ((random.u32() >>> 5) * 2 ** 26 + (random.u32() >>> 6)) / 2 ** 53;
  return Math.min(Math.floor(fraction * end), end - 1);
}

/** Brings `count` items to the front, drawn from all alike, in the order in which they were drawn. */
export function shuffleFront<C extends { place: number }>(random: Random, items: C[], count: number): C[] {
  const end = Math.min(count, items.length);
  for (let at = 0; at < end; at++) {
    const from = at + below(random, items.length - at);
    const [drawn, other] = [items[from] as C, items[at] as C];
    items[at] = drawn;
    items[from] = other;
    other.place = from;
    drawn.place = at;
  }
  return items.slice(0, end);
}
