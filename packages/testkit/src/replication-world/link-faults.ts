// SPDX-License-Identifier: Apache-2.0
import type { SeededRandom } from '../lease-world/seeded-random.ts';

/**
 * What becomes of a frame on its way, though TLS over TCP lets none of it happen: a broken peer, or memory at either end of it, may. `lost`:
 * it never comes; `damaged`: some of its octets are others; `doubled`: it comes once more, later; `swapped`: it comes before or behind
 * its turn; `old`: one of a former connection comes ahead of it.
 */
export const LINK_FAULTS = ['lost', 'damaged', 'doubled', 'swapped', 'old'] as const;
export type LinkFault = (typeof LINK_FAULTS)[number];

/** How likely each is, for a frame. */
export type LinkFaultRates = Readonly<Record<LinkFault, number>>;

export function drawFault(random: SeededRandom, rates: LinkFaultRates): LinkFault | undefined {
  let left = random.fraction();
  for (const fault of LINK_FAULTS) {
    left -= rates[fault];
    if (left < 0) return fault;
  }
  return undefined;
}

/** One octet is another, mostly; or some in a row are, or the rest of it is missing. */
export function damagedOctets(octets: Uint8Array, random: SeededRandom): Uint8Array {
  const damaged = octets.slice();
  const at = random.below(damaged.length);
  const kind = random.below(10);
  if (kind === 0) return damaged.subarray(0, at);
  const end = kind < 3 ? Math.min(damaged.length, at + 2 + random.below(7)) : at + 1;
  for (let each = at; each < end; each++) damaged[each] = (damaged[each] as number) ^ (1 + random.below(255));
  return damaged;
}
