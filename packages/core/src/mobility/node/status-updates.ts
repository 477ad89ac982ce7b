// SPDX-License-Identifier: Apache-2.0
import { type Ack, encodeLeaseEndpoint, type NodePart } from '@vnfpool/wire/mobility';
import { textOf } from '../answer.ts';
import { type NodeEndpointState, TOLD_NOTHING, type Told } from './state.ts';

/** Sends what is due, as far as the queue has room: the rest stays due. */
export function tellChanges(state: NodeEndpointState): void {
  if (state.phase.name !== 'managed') return;
  const { functions, outbox } = state;
  if (state.addressesDue && !state.addressesInFlight && !outbox.isFull) {
    state.addressesDue = false;
    state.addressesInFlight = true;
    update(state, placeOf(state), { addresses: true });
  }
  if (state.slots.isDue && !outbox.isFull) tellSlots(state);
  while (functions.hasUrgent && !outbox.isFull) tellFunctions(state, 'now');
  if (hasLazy(state) && state.lazyAtMs <= state.nowMs) {
    while (hasLazy(state) && !outbox.isFull) tellFunctions(state, 'soon');
    state.lazyAtMs = state.nowMs + state.options.loadIntervalMs;
  }
  for (const message of outbox.release(state.nowMs)) state.send(message);
}

/** When loads may be told that wait for their time; `Infinity`: none can be told. */
export function lazyDeadline(state: NodeEndpointState): number {
  const isTellable = state.phase.name === 'managed' && hasLazy(state) && !state.outbox.isFull;
  return isTellable ? state.lazyAtMs : Number.POSITIVE_INFINITY;
}

/** The manager has, or does not want, what was told. */
export function settleUpdate(state: NodeEndpointState, told: Told, ack: Ack): void {
  const { gone, slots } = told;
  if (told.addresses) state.addressesInFlight = false;
  if (told.information) state.informationInFlight = false;
  if (slots) state.slots.settle(slots, ack.code < 128);
  if (ack.code >= 128)
    return state.event('refused', `STATUS-UPDATE refused with ${ack.code}: ${textOf(ack)}`);
  state.functions.forget(gone);
  if (slots && slots.failovers.length > 0)
    state.tell({ type: 'failovers-acknowledged', ids: slots.failovers });
}

/** Where the node is, with what depends on it. */
function placeOf({
  nodeId,
  addresses,
  statePort,
  leaseEndpoint,
  managerKnowsExtensions,
}: NodeEndpointState): NodePart {
  const isTold = managerKnowsExtensions && leaseEndpoint !== undefined;
  return {
    id: nodeId,
    addresses,
    ...(statePort === undefined ? {} : { ports: [statePort] }),
    ...(isTold ? { extensions: { leaseEndpoint: encodeLeaseEndpoint(leaseEndpoint) } } : {}),
  };
}

function tellFunctions(state: NodeEndpointState, due: 'now' | 'soon'): void {
  const { parts, gone } = state.functions.take(due, state.managerKnowsExtensions);
  const information = due === 'soon' && mayTellInformation(state);
  if (information) {
    state.informationDue = false;
    state.informationInFlight = true;
  }
  const node = {
    id: state.nodeId,
    ...(information ? { information: state.information } : {}),
    ...(parts.length > 0 ? { functions: parts } : {}),
  };
  update(state, node, { gone, information });
}

/** Whether something waits for the next report of loads. */
function hasLazy(state: NodeEndpointState): boolean {
  return state.functions.hasLazy || mayTellInformation(state);
}

function mayTellInformation({ informationDue, informationInFlight }: NodeEndpointState): boolean {
  return informationDue && !informationInFlight;
}

function tellSlots(state: NodeEndpointState): void {
  if (!state.managerKnowsExtensions) return;
  const next = state.slots.take();
  if (next === undefined)
    return state.event('queue-full', 'what there is beside slots is too large to be told');
  update(state, { id: state.nodeId, extensions: { slotReport: next.octets } }, { slots: next.told });
}

function update(state: NodeEndpointState, node: NodePart, told: Partial<Told>): void {
  state.outbox.push({ ...TOLD_NOTHING, ...told }, (sequence) => ({
    type: 'status-update',
    sequence,
    nodes: [node],
  }));
}
