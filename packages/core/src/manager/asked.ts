// SPDX-License-Identifier: Apache-2.0
import { indexed } from '../planner/indexed.ts';
import type { Observed, ObservedInstance } from '../planner/observed.ts';
import type { ManagerState } from './state.ts';

/*
 * An agent that was started again registers before it has told which of its functions have ended. Until it has answered, what was told
 * of them before counts for what is done, as when it was silent a moment ago, and is not said to be so.
 */

/** Whether the instance's node has registered since it told of it, and has not answered yet what it runs. */
export function isAsked({ lives }: ManagerState, { node, functionId }: ObservedInstance): boolean {
  const life = lives.get(node);
  const isThere = life?.state === 'registered' || life?.state === 'suspect';
  return isThere && life.asked.has(functionId);
}

/** Instances of the pool of which that is so. */
export function askedOf(state: ManagerState, pool: string, observed: Observed): readonly ObservedInstance[] {
  const isNobody = [...state.lives.values()].every(({ asked }) => asked.size === 0);
  if (isNobody) return [];
  return indexed(observed)
    .instancesOf(pool)
    .filter((instance) => isAsked(state, instance));
}
