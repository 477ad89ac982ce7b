// SPDX-License-Identifier: Apache-2.0
import { isReady, type Observed, type ObservedInstance, type ObservedSlot } from './observed.ts';

/**
 * Who takes a slot over on purpose: a ready instance without a slot, which is not about to leave its node, and which the
 * slot's holder has admitted. Undefined: nobody, as far as the holder has told.
 */
export function successorOf(
  slot: ObservedSlot,
  observed: Observed,
  fits: (instance: ObservedInstance) => boolean = () => true,
): ObservedInstance | undefined {
  const nodes = new Map(observed.nodes.map((node) => [node.name, node]));
  const holders = new Set(observed.slots.map(({ holder }) => holder));
  return slot.admitted
    ?.map(({ functionId }) => observed.instances.find((each) => each.functionId === functionId))
    .find(
      (other): other is ObservedInstance =>
        other !== undefined &&
        other.pool === slot.pool &&
        !holders.has(other.functionId) &&
        !other.move &&
        isReady(other, nodes) &&
        nodes.get(other.node)?.draining === false &&
        fits(other),
    );
}
