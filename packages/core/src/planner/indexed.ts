// SPDX-License-Identifier: Apache-2.0

import { once } from '../once.ts';
import type { Observed, ObservedInstance, ObservedNode, ObservedSlot } from './observed.ts';

/** What rules look up in an observation again and again; the first of several that are alike counts. */
export interface ObservedIndex {
  /** By name. */
  readonly nodes: ReadonlyMap<string, ObservedNode>;
  /** By the node's number. */
  readonly nodesById: ReadonlyMap<number, ObservedNode>;
  /** By Function ID. */
  readonly instances: ReadonlyMap<number | null, ObservedInstance>;
  /** Of a pool, by their numbers. */
  readonly instancesOf: (pool: string) => readonly ObservedInstance[];
  /** Of a pool, by their indexes; those beyond what is declared, too. */
  readonly slotsOf: (pool: string) => readonly ObservedSlot[];
  /** That an instance holds. */
  readonly heldBy: (functionId: number) => readonly ObservedSlot[];
}

type World = Pick<Observed, 'nodes' | 'instances' | 'slots'>;

/** Made once for each observation. */
export const indexed: (observed: World) => ObservedIndex = once(indexOf);

function indexOf({ nodes, instances, slots }: World): ObservedIndex {
  const instancesOf = grouped(
    instances.toSorted((a, b) => a.number - b.number),
    ({ pool }) => pool,
  );
  const slotsOf = grouped(
    slots.toSorted((a, b) => a.index - b.index),
    ({ pool }) => pool,
  );
  const heldBy = grouped(slots, ({ holder }) => holder);
  return {
    nodes: firstBy(nodes, ({ name }) => name),
    nodesById: firstBy(nodes, ({ id }) => id),
    instances: firstBy(instances, ({ functionId }): number | null => functionId),
    instancesOf: (pool) => instancesOf.get(pool) ?? [],
    slotsOf: (pool) => slotsOf.get(pool) ?? [],
    heldBy: (functionId) => heldBy.get(functionId) ?? [],
  };
}

function firstBy<Key, Item>(items: readonly Item[], keyOf: (item: Item) => Key): ReadonlyMap<Key, Item> {
  const map = new Map<Key, Item>();
  for (const item of items) {
    const key = keyOf(item);
    if (!map.has(key)) map.set(key, item);
  }
  return map;
}

function grouped<Key, Item>(items: readonly Item[], keyOf: (item: Item) => Key): ReadonlyMap<Key, Item[]> {
  const groups = new Map<Key, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}
