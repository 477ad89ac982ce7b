// SPDX-License-Identifier: Apache-2.0
import type { Clocks } from '../interfaces.ts';
import { viewOf } from '../netlink/message.ts';
import type { SetElement } from '../netlink/nftables.ts';

/** A remainder below this many jiffies closes instead: the kernel rounds a timeout down, but never to none. */
export const REMAINDER_JIFFIES_MIN = 2;

/**
 * Ends of intervals lie on multiples of 2^20 ns (1.05 ms): the kernel splits an interval into powers of two, each a
 * rule of the set that costs time at every change. On this grain an end takes a third of them.
 */
const GRAIN_BITS = 20n;

/** Both clocks at one moment: the wall clock is read first, so that a pause between them shortens what follows. */
export interface Reading {
  readonly wallMs: number;
  readonly boottimeMs: number;
}

/** What holds a horizon open. */
export interface HorizonElement extends SetElement {
  /** The kernel may take it away from this moment of CLOCK_BOOTTIME on; undefined: not known. */
  readonly runsOutAtMs?: number;
}

/** Reads the clocks in the right order. */
export function readClocks(clocks: Clocks): Reading {
  const wallMs = clocks.wallMs();
  return { wallMs, boottimeMs: clocks.boottimeMs() };
}

/*
 *  0        2        4                              12
 *  +--------+--------+------------------------------+
 *  | any    | 0      | wall clock ns, big-endian    |   both ends of the interval are keys of this form
 *  +--------+--------+------------------------------+
 * The ethertype is there as the kernel keeps only joined keys in the kind of set whose elements time out one by one.
 */
function key(ethertype: number, wallNs: bigint): Uint8Array {
  const bytes = new Uint8Array(12);
  const view = viewOf(bytes);
  view.setUint16(0, ethertype, false);
  view.setBigUint64(4, wallNs, false);
  return bytes;
}

/**
 * The element that holds a horizon open until `endMs` by CLOCK_BOOTTIME, or undefined when too little is left.
 *
 * A pause between the reading of the clocks and the kernel's taking it makes it arrive with an interval that is over.
 */
export function horizonElement(
  endMs: number,
  { wallMs, boottimeMs }: Reading,
  jiffyMs: number,
): HorizonElement | undefined {
  const leftMs = endMs - boottimeMs;
  if (!(leftMs >= REMAINDER_JIFFIES_MIN * jiffyMs)) return undefined;
  const wallNs = BigInt(Math.floor(wallMs * 1e6));
  const endNs = wallNs + BigInt(Math.floor(leftMs * 1e6));
  // Both rounded down: it begins up to a grain before the reading and ends up to a grain before the lease.
  const first = wallNs >> GRAIN_BITS;
  const afterLast = endNs >> GRAIN_BITS;
  if (afterLast <= first) return undefined;
  return {
    key: key(0, first << GRAIN_BITS),
    keyEnd: key(0xffff, (afterLast << GRAIN_BITS) - 1n),
    timeoutMs: Math.floor(leftMs),
    runsOutAtMs: boottimeMs + Math.floor(leftMs),
  };
}

/** Whether an element of the kernel's list holds its horizon open at a moment of the wall clock. */
export function isCovering({ key: first, keyEnd: last }: SetElement, wallMs: number): boolean {
  if (last === undefined) return false;
  const now = BigInt(Math.floor(wallMs * 1e6));
  return viewOf(first).getBigUint64(4, false) <= now && now <= viewOf(last).getBigUint64(4, false);
}
