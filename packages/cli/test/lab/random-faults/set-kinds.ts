// SPDX-License-Identifier: Apache-2.0
import { SeededRandom } from '@vnfpool/testkit/lease-world';

/*
 * The kinds of sets that are broken: what their slot is reached by, and what closes before it. A fault that is harmless in one of
 * them need not be so in another.
 */

export const LINKS = ['eth0', 'eth1'] as const;
export type LinkName = (typeof LINKS)[number];

/** A virtual address of the slot. */
export interface PlacedAddress {
  readonly address: string;
  readonly prefixLength: number;
  /** Link of the nodes that it is on. */
  readonly link: LinkName;
}

export interface SetKind {
  readonly name: string;
  /** All of the one slot. */
  readonly addresses: readonly PlacedAddress[];
  /** `nft`: the form of the fence without programs, also where there could be some. */
  readonly fence: 'best' | 'nft';
  readonly mode: 'link-mac' | 'same-mac';
}

const FIRST_V4: PlacedAddress = { address: '10.77.0.100', prefixLength: 24, link: 'eth0' };
const FIRST_V6: PlacedAddress = { address: '2001:db8:77::100', prefixLength: 64, link: 'eth0' };
const SECOND_V4: PlacedAddress = { address: '10.79.0.100', prefixLength: 24, link: 'eth1' };
const SECOND_V6: PlacedAddress = { address: '2001:db8:79::100', prefixLength: 64, link: 'eth1' };
const BOTH: readonly PlacedAddress[] = [FIRST_V4, FIRST_V6];

export const SET_KINDS: readonly SetKind[] = [
  { name: 'ipv4', addresses: [FIRST_V4], fence: 'best', mode: 'link-mac' },
  { name: 'ipv6', addresses: [FIRST_V6], fence: 'best', mode: 'link-mac' },
  { name: 'two-links', addresses: [...BOTH, SECOND_V4, SECOND_V6], fence: 'best', mode: 'link-mac' },
  { name: 'nft', addresses: BOTH, fence: 'nft', mode: 'link-mac' },
  { name: 'same-mac', addresses: BOTH, fence: 'best', mode: 'same-mac' },
];

/** Faults that one set gets before another kind has its turn: the standard run has each kind once. */
export const STRETCH = 4;

/** In each round everything comes once, in an order of its own. `index`: from 0. */
export function drawnInRounds<T>(
  items: readonly T[],
  index: number,
  randomOf: (round: number) => SeededRandom,
): T {
  const random = randomOf(Math.floor(index / items.length));
  const left = [...items];
  for (let skip = index % items.length; skip > 0; skip--) left.splice(random.below(left.length), 1);
  return random.pick(left);
}

/** What kind of set a fault is done to. `number`: of the fault, from 1. */
export function kindAt(seed: number, number: number): SetKind {
  // Below zero: not the random numbers that faults are drawn by.
  const randomOf = (round: number): SeededRandom => new SeededRandom(-(seed * 1_000 + round));
  return drawnInRounds(SET_KINDS, Math.floor((number - 1) / STRETCH), randomOf);
}

/** Number of the last fault that is done to the same set. */
export function endOfStretch(number: number): number {
  return Math.ceil(number / STRETCH) * STRETCH;
}

/** @throws Error that names what there is */
export function kindNamed(name: string): SetKind {
  const found = SET_KINDS.find((kind) => kind.name === name);
  if (found) return found;
  throw new Error(`no kind of set "${name}"; there are ${SET_KINDS.map((kind) => kind.name).join(', ')}`);
}
