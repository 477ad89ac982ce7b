// SPDX-License-Identifier: Apache-2.0
import type { DeclaredSet } from '../declared/set.ts';
import { type Observed, type ObservedInstance, type ObservedNode, takesOrders } from './observed.ts';

/** Where an instance could go: a node without an instance of its pool, the one with the fewest functions first. */
export function targetOf(
  instance: Pick<ObservedInstance, 'pool'>,
  declared: DeclaredSet,
  observed: Observed,
): ObservedNode | undefined {
  const nodes = new Map(observed.nodes.map((node) => [node.name, node]));
  const homes = observed.instances.flatMap(({ pool, node, move }) =>
    [node, ...(move ? [move.to] : [])].map((name) => ({ pool, name })),
  );
  return declared.nodes
    .flatMap(({ name, witness }, order) => {
      const node = nodes.get(name);
      const isFree = !homes.some((home) => home.name === name && home.pool === instance.pool);
      if (witness || !takesOrders(node) || node.draining || !isFree) return [];
      return [{ node, order, functions: homes.filter((home) => home.name === name).length }];
    })
    .sort((a, b) => a.functions - b.functions || a.order - b.order)[0]?.node;
}
