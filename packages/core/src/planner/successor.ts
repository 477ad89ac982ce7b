// SPDX-License-Identifier: Apache-2.0

import { indexed } from './indexed.ts';
import { isReadyFor, type Observed, type ObservedInstance, type ObservedSlot } from './observed.ts';

/**
 * Who takes a slot over on purpose: a ready instance, on a node that would serve it, that may hold one more, which is not about to leave its node, and which the
 * slot's holder has admitted; of several the one that holds the fewest. Undefined: nobody, as far as the holder has told.
 *
 * @param slotsMax How many slots an instance of the pool may hold
 * @param takesDrained Whether one that is about to leave its node will do where nobody else is there
 */
export function successorOf(
  slot: ObservedSlot,
  observed: Observed,
  slotsMax: number,
  fits: (instance: ObservedInstance) => boolean = () => true,
  takesDrained = false,
): ObservedInstance | undefined {
  const nodes = indexed(observed).nodes;
  const held = (functionId: number): number => indexed(observed).heldBy(functionId).length;
  const isDrained = ({ node }: ObservedInstance): boolean => nodes.get(node)?.draining !== false;
  return slot.admitted
    ?.map(({ functionId }) => indexed(observed).instances.get(functionId))
    .filter(
      (other): other is ObservedInstance =>
        other !== undefined &&
        other.pool === slot.pool &&
        other.functionId !== slot.holder &&
        held(other.functionId) < slotsMax &&
        !other.move &&
        isReadyFor(slot, other, nodes) &&
        (takesDrained || !isDrained(other)) &&
        fits(other),
    )
    .sort(
      (a, b) => Number(isDrained(a)) - Number(isDrained(b)) || held(a.functionId) - held(b.functionId),
    )[0];
}
