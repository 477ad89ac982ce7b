// SPDX-License-Identifier: Apache-2.0

import { isStateOfNode } from '@vnfpool/wire/mobility';
import type { DeclaredSet } from '../declared/set.ts';
import { indexed } from './indexed.ts';
import { type Observed, type ObservedInstance, type ObservedNode, takesOrders } from './observed.ts';

/** Where an instance could go: a node without an instance of its pool, the one with the fewest functions first. */
export function targetOf(
  instance: Pick<ObservedInstance, 'pool'>,
  declared: DeclaredSet,
  observed: Observed,
): ObservedNode | undefined {
  const nodes = indexed(observed).nodes;
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

/** Where it can move with its state: nowhere, where that is its node's. */
export function destinationOf(
  instance: Pick<ObservedInstance, 'pool'>,
  declared: DeclaredSet,
  observed: Observed,
): ObservedNode | undefined {
  return staysAtNode(instance, declared) ? undefined : targetOf(instance, declared, observed);
}

/** Whether an instance has the state of its node, which does not move. */
export function staysAtNode({ pool }: Pick<ObservedInstance, 'pool'>, declared: DeclaredSet): boolean {
  return declared.pools.some((each) => each.name === pool && isStateOfNode(each.function));
}
