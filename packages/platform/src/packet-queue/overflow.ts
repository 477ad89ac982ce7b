// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';

const FILE = '/proc/thread-self/net/netfilter/nfnetlink_queue';

/** Packets that the kernel has dropped as too many wait in a queue of this namespace, or its program does not read; null: it does not say. */
export function readOverflow(queue: number): number | null {
  try {
    return overflowOf(readFileSync(FILE, 'utf8'), queue);
  } catch {
    return null;
  }
}

/** Columns: queue, port of its program, packets that wait, copy mode, octets, dropped as it was full, dropped as it was not read, … */
export function overflowOf(text: string, queue: number): number | null {
  for (const line of text.split('\n')) {
    const [number, , , , , full, unread] = line.trim().split(/\s+/).map(Number);
    if (number === queue) return (full ?? 0) + (unread ?? 0);
  }
  return null;
}
