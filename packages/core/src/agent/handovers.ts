// SPDX-License-Identifier: Apache-2.0
import type { SetConfiguration, SlotAssignment, SlotState } from '@vnfpool/wire/mobility';
import type { FunctionId, NodeId, SlotId } from '../identity.ts';
import type { AgentOutput } from './types.ts';

/** Orders remembered so that a repeated one is not carried out twice. */
const HANDOVERS_MAX = 256;

/** Planned hand-overs that the manager orders with an assignment of the holder. */
export class Handovers {
  readonly #nonces = new Set<string>();

  /** Nothing, unless the function holds the slot here and the order is new. */
  take(
    functionId: FunctionId,
    { slot, handover }: SlotAssignment,
    slots: ReadonlyMap<SlotId, SlotState>,
    configuration: SetConfiguration | null,
  ): AgentOutput[] {
    if (!slot || !handover || this.#nonces.has(handover.nonce)) return [];
    const held = slots.get(slot.id as SlotId);
    if (held?.state !== 'holding' || held.holder?.functionId !== functionId) return [];
    const definition = configuration?.slots.find(({ id }) => id === slot.id);
    const to = definition?.candidates.find((candidate) => candidate.functionId === handover.to);
    if (!to) return [];
    this.#remember(handover.nonce);
    return [
      {
        type: 'hand-over',
        slot: slot.id as SlotId,
        to: { node: to.node as NodeId, functionId: to.functionId as FunctionId },
        nonce: handover.nonce,
      },
    ];
  }

  #remember(nonce: string): void {
    this.#nonces.add(nonce);
    if (this.#nonces.size <= HANDOVERS_MAX) return;
    for (const oldest of this.#nonces) {
      this.#nonces.delete(oldest);
      return;
    }
  }
}
