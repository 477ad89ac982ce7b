// SPDX-License-Identifier: Apache-2.0
import type { Clocks } from '../interfaces.ts';
import { ipv4Bytes } from '../netlink/ipv4.ts';
import { viewOf } from '../netlink/message.ts';
import type { SetElement } from '../netlink/nftables.ts';

/** A remainder below this many jiffies closes instead: the kernel rounds a timeout down, but never to none. */
const REMAINDER_JIFFIES_MIN = 2;

/**
 * Ends of intervals lie on multiples of 2^20 ns (1.05 ms): the kernel splits an interval into powers of two, each a
 * rule of the set that costs time at every change. On this grain a lease takes a third of them.
 */
const GRAIN_BITS = 20n;

/*
 *  0             4                              12
 *  +-------------+------------------------------+
 *  | IPv4        | wall clock ns, big-endian    |   both ends of the interval are keys of this form
 *  +-------------+------------------------------+
 */
function leaseKey(address: string, wallNs: bigint): Uint8Array {
  const key = new Uint8Array(12);
  key.set(ipv4Bytes(address));
  viewOf(key).setBigUint64(4, wallNs, false);
  return key;
}

/**
 * The element that opens `address` until `untilMs` by CLOCK_BOOTTIME, or undefined when too little is left.
 *
 * The wall clock is read first: a pause between the two readings shortens the interval. A pause after them makes the
 * element arrive with an interval that is over.
 */
export function leaseElement(
  address: string,
  untilMs: number,
  clocks: Clocks,
  jiffyMs: number,
): SetElement | undefined {
  const wallMs = clocks.wallMs();
  const leftMs = untilMs - clocks.boottimeMs();
  if (!(leftMs >= REMAINDER_JIFFIES_MIN * jiffyMs)) return undefined;
  const wallNs = BigInt(Math.floor(wallMs * 1e6));
  const endNs = wallNs + BigInt(Math.floor(leftMs * 1e6));
  // Both rounded down: it begins up to a grain before the reading and ends up to a grain before the lease.
  const first = wallNs >> GRAIN_BITS;
  const afterLast = endNs >> GRAIN_BITS;
  if (afterLast <= first) return undefined;
  return {
    key: leaseKey(address, first << GRAIN_BITS),
    keyEnd: leaseKey(address, (afterLast << GRAIN_BITS) - 1n),
    timeoutMs: Math.floor(leftMs),
  };
}

/** Whether an element of the kernel's list opens `address` at a moment of the wall clock. */
export function isCovering(element: SetElement, address: string, wallMs: number): boolean {
  const now = leaseKey(address, BigInt(Math.floor(wallMs * 1e6)));
  return (
    element.keyEnd !== undefined &&
    Buffer.compare(element.key, now) <= 0 &&
    Buffer.compare(now, element.keyEnd) <= 0 &&
    isOf(element, address)
  );
}

/** Whether an element is about `address`. */
export function isOf(element: SetElement, address: string): boolean {
  return ipv4Bytes(address).every((byte, place) => element.key[place] === byte);
}
