// SPDX-License-Identifier: Apache-2.0
import type { LeaseInput } from '@vnfpool/core/lease';
import type { CouncilDefinition, SlotDefinition } from '@vnfpool/wire/mobility';
import { NodeClock } from '../lease-world/node-clock.ts';
import type { Rates } from './options.ts';

/** Members of the council, each of which hosts a candidate for every slot. */
export const NODES: readonly [number, number, number] = [1, 2, 3];

export const LEASE_MS = 300;

export const DRIFT_BOUND = 0.01;

/** It stays the same: changes of the council are left to the lease world. */
const COUNCIL: CouncilDefinition = {
  id: 1,
  version: { generation: 1, number: 1, randomId: '00000000000000c0' },
  members: NODES,
};

const SLOTS = ['00000000000000a1', '00000000000000a2'];

/** What does not change on any path. */
export class Setting {
  readonly slots: readonly string[];
  readonly clocks: readonly NodeClock[];
  readonly council: CouncilDefinition = COUNCIL;
  readonly candidates: number;
  /** Holders look for heirs. */
  readonly namesHeirs: boolean;

  constructor(slots: 1 | 2, rates: Rates, candidates: number, namesHeirs: boolean) {
    this.candidates = candidates;
    this.namesHeirs = namesHeirs;
    this.slots = SLOTS.slice(0, slots);
    this.clocks = rates.map((rate, index) => {
      // A little less than half the bound to either side, so that each pair stays within it.
      const away = { slow: -0.48, right: 0, fast: 0.48 }[rate] * DRIFT_BOUND;
      return new NodeClock(1 + away, 1000 * (index + 1), 1.7e12);
    });
  }

  clock(node: number): NodeClock {
    const clock = this.clocks[node - 1];
    if (clock === undefined) throw new RangeError(`no node ${node}`);
    return clock;
  }

  functionId(node: number, slot: number): number {
    return node * 16 + slot;
  }

  /** `isReordered`: the other list of candidates, with the first one left out. */
  configuration(isReordered: boolean): Extract<LeaseInput, { type: 'configure' }> {
    return {
      type: 'configure',
      council: this.council,
      slots: this.slots.map((id, index): SlotDefinition => {
        const all = NODES.slice(0, this.candidates).map((node) => ({
          node,
          functionId: this.functionId(node, index),
        }));
        return {
          id,
          pool: 'pool',
          index,
          leaseMs: LEASE_MS,
          addresses: [],
          genesis: { randomId: '00000000000000e5', candidates: all },
          candidates: isReordered ? all.slice(1).reverse() : all,
          lastResort: { rule: 'never' },
        };
      }),
    };
  }

  candidate(node: number, slot: number, functionIncarnation: bigint): LeaseInput {
    return {
      type: 'candidate-state',
      slot: this.slots[slot] ?? '',
      functionId: this.functionId(node, slot),
      functionIncarnation,
      ready: true,
      // Who waits for whom is no matter of safety: all may try at once.
      rank: 0,
    };
  }
}
