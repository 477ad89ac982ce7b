// SPDX-License-Identifier: Apache-2.0
import type { DeclaredSet } from '../declared/set.ts';
import type { Decision } from './actions.ts';
import { indexed } from './indexed.ts';
import {
  instanceName,
  type Observed,
  type ObservedInstance,
  type ObservedNode,
  takesOrders,
} from './observed.ts';

/**
 * The last rung for an instance that was not ready for too long: it is dropped, and placed anew on a node where it has not
 * failed yet. One at a time of a pool, never one that holds a slot, and only where such a node is: otherwise it stays and is
 * tried again where it is.
 */
export function escalated(
  mine: readonly ObservedInstance[],
  declared: DeclaredSet,
  observed: Observed,
): Extract<Decision, { type: 'drop' }>[] {
  const first = mine.find(
    (instance) => mayLeave(instance, observed) && refugeOf(instance, declared, observed),
  );
  if (!first) return [];
  const reason = `${instanceName(first)} was not ready on ${first.node} for too long`;
  return [{ type: 'drop', functionId: first.functionId, reason }];
}

/** A node on which an instance could be made anew; undefined: it failed everywhere, or no other one is free. */
export function refugeOf(
  instance: ObservedInstance,
  declared: DeclaredSet,
  observed: Observed,
): ObservedNode | undefined {
  const barred = [...(instance.failedOn ?? []), instance.node, ...barredNodes(instance.pool, observed)];
  const taken = observed.instances
    .filter(({ pool }) => pool === instance.pool)
    .flatMap(({ node, move }) => [node, ...(move ? [move.to] : [])]);
  return observed.nodes.find(
    (node) =>
      takesOrders(node) &&
      !node.draining &&
      !barred.includes(node.name) &&
      !taken.includes(node.name) &&
      declared.nodes.some(({ name }) => name === node.name),
  );
}

/** Where the pool's instances failed lately: none is placed there. */
export function barredNodes(pool: string, observed: Observed): string[] {
  const failed = observed.instances
    .filter((instance) => instance.pool === pool)
    .flatMap((instance) => [
      ...(instance.failedOn ?? []),
      ...(instance.isUnfit && mayLeave(instance, observed) ? [instance.node] : []),
    ]);
  return [...new Set(failed)].sort();
}

function mayLeave({ functionId, isUnfit, move, busy }: ObservedInstance, observed: Observed): boolean {
  if (!isUnfit || move || busy) return false;
  return indexed(observed).heldBy(functionId).length === 0;
}
