// SPDX-License-Identifier: Apache-2.0
import type { EventView, StateView } from '@vnfpool/core/management';

/** The lists of a state that have a route of their own. */
export type ListName = 'sets' | 'pools' | 'instances' | 'nodes' | 'slots' | 'failovers' | 'traffic';

export const listNames: readonly ListName[] = [
  'sets',
  'pools',
  'instances',
  'nodes',
  'slots',
  'failovers',
  'traffic',
];

/** One list of the state; with `pool`, what has to do with that pool: for a node, that it runs one of its instances. */
export function listOf(state: StateView, list: ListName, pool: string | undefined): readonly unknown[] {
  if (pool === undefined) return state[list];
  switch (list) {
    case 'sets':
      return state.sets.filter((set) => set.pools.includes(pool));
    case 'pools':
      return state.pools.filter((view) => view.name === pool);
    case 'nodes': {
      const nodes = new Set(state.instances.filter((it) => it.pool === pool).map((it) => it.node));
      return state.nodes.filter((node) => nodes.has(node.name));
    }
    case 'instances':
    case 'slots':
    case 'failovers':
    case 'traffic':
      return (state[list] as readonly { readonly pool: string }[]).filter((view) => view.pool === pool);
  }
}

/** Whether an event is about the pool, one of its slots or one of its instances. */
export function isAboutPool(event: EventView, pool: string): boolean {
  const { subject } = event;
  return (
    subject === `pool ${pool}` ||
    subject.startsWith(`slot ${pool}/`) ||
    subject.startsWith(`instance ${pool}#`)
  );
}
