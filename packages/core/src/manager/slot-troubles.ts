// SPDX-License-Identifier: Apache-2.0
import type { SlotState } from '@vnfpool/wire/mobility';
import type { Journal } from './journal.ts';
import type { SlotRecord } from './records.ts';
import type { ManagerState } from './state.ts';

/** What a node says is wrong with a slot's addresses on it; every change is an event. */
export function takeTrouble(
  state: ManagerState,
  journal: Journal,
  node: string,
  slot: SlotRecord,
  told: SlotState,
  wallMs: number,
): void {
  const { trouble = '', refusal } = told;
  const isOwn = told.holder !== null && told.holder.node === state.nodes.get(node)?.id;
  const isClosed = trouble !== '' || refusal?.rule === 'fence-hook';
  if (isOwn && told.state === 'held' && isClosed) state.unraised.add(slot.id);
  else if (isOwn) state.unraised.delete(slot.id);
  const troubles = state.addressTroubles.get(slot.id) ?? new Map<string, string>();
  if (trouble === (troubles.get(node) ?? '')) return;
  const subject = `slot ${slot.pool}/${slot.index}`;
  if (trouble === '') {
    troubles.delete(node);
    journal.event(wallMs, 'slot.addresses', 'info', subject, `${node}: the addresses are well again.`);
  } else {
    troubles.set(node, trouble);
    const severity = told.state === 'holding' || state.unraised.has(slot.id) ? 'error' : 'warning';
    journal.event(wallMs, 'slot.addresses', severity, subject, `${node}: ${trouble}.`);
  }
  if (troubles.size === 0) state.addressTroubles.delete(slot.id);
  else state.addressTroubles.set(slot.id, troubles);
}

/** What is wrong with a slot's addresses, node by node, each with its name; empty: nothing. */
export function troublesOf(state: ManagerState, slot: string): string[] {
  return [...(state.addressTroubles.get(slot) ?? [])].map(([node, trouble]) => `${node}: ${trouble}`);
}
