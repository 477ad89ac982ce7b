// SPDX-License-Identifier: Apache-2.0

import type { SlotView } from '@vnfpool/core/management';
import type { RunningSet } from '../running-set.ts';

export interface Takeover {
  readonly node: string;
  readonly epoch: number;
  readonly fencedBy: string;
}

/**
 * Who took a slot after it was as here, in order, as the nodes themselves wrote it down: the manager may have been
 * away. A log that was cut has less; nobody runs for so long between two faults.
 */
export function takeoversOf(set: RunningSet, nodes: readonly string[], { id, epoch }: SlotView): Takeover[] {
  const found: Takeover[] = [];
  for (const node of nodes) {
    for (const line of set.log(node).split('\n')) {
      if (!line.includes('slot taken')) continue;
      const { failover } = JSON.parse(line) as {
        failover: { slot: string; epoch: string; fencedBy: string };
      };
      const taken = Number(failover.epoch);
      if (failover.slot === id && taken > epoch)
        found.push({ node, epoch: taken, fencedBy: failover.fencedBy });
    }
  }
  return found.toSorted((a, b) => a.epoch - b.epoch);
}
