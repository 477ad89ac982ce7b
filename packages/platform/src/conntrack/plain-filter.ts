// SPDX-License-Identifier: Apache-2.0
import type { ConntrackFilter, ConntrackNetwork } from './filter.ts';

/** Whether the plain flow whose numbers stand from `at` on is wanted; see `PLAIN_FLOW_WORDS`. */
export type PlainFilter = (numbers: Int32Array, at: number) => boolean;

interface Network {
  readonly value: number;
  readonly mask: number;
}

/** The same answer for plain flows that `isWanted` gives for their entries, made ready for many of them. */
export function plainFilter({
  family,
  zones,
  mark,
  protocols,
  addresses,
  except = [],
}: ConntrackFilter): PlainFilter {
  // Of none of these do plain flows differ.
  const isNone =
    family === 6 ||
    (zones !== undefined && !zones.includes(0)) ||
    (mark !== undefined && (mark.value & (mark.mask ?? 0xffffffff)) !== 0);
  if (isNone) return () => false;
  const within = addresses?.flatMap(networkOf);
  const outside = except.flatMap(networkOf);
  return (numbers, at) => {
    if (protocols !== undefined && !protocols.includes(numbers[at] ?? 0)) return false;
    if (within !== undefined && !isAnyWithin(numbers, at, within)) return false;
    return outside.length === 0 || !isAnyWithin(numbers, at, outside);
  };
}

function isAnyWithin(numbers: Int32Array, at: number, networks: readonly Network[]): boolean {
  const [source, destination] = [numbers[at + 1] ?? 0, numbers[at + 2] ?? 0];
  const [replySource, replyDestination] = [numbers[at + 4] ?? 0, numbers[at + 5] ?? 0];
  for (const { value, mask } of networks) {
    if (((source ^ value) & mask) === 0 || ((destination ^ value) & mask) === 0) return true;
    if (((replySource ^ value) & mask) === 0 || ((replyDestination ^ value) & mask) === 0) return true;
  }
  return false;
}

/** Of IPv6 no flow here has an address. */
function networkOf({ network, prefix }: ConntrackNetwork): Network[] {
  if (network.length !== 4) return [];
  const [a = 0, b = 0, c = 0, d = 0] = network;
  // A shift by 32 would be one by 0.
  const mask = prefix === 0 ? 0 : -1 << (32 - prefix);
  return [{ value: (a << 24) | (b << 16) | (c << 8) | d, mask }];
}
