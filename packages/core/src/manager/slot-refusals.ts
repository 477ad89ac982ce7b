// SPDX-License-Identifier: Apache-2.0
import type { SlotState } from '@vnfpool/wire/mobility';
import { isSame } from '../same.ts';
import type { Journal } from './journal.ts';
import type { SlotRecord } from './records.ts';
import type { ManagerState } from './state.ts';

/** Takes why a node would not serve a slot; a change is an event, unless what is wrong with its addresses tells the same: see `takeTrouble`, which comes behind. */
export function takeRefusal(
  state: ManagerState,
  journal: Journal,
  node: string,
  slot: SlotRecord,
  { refusal, trouble = '' }: SlotState,
  wallMs: number,
): void {
  const known = state.refusals.get(slot.id);
  const former = known?.get(node);
  if (!isSame(former, refusal)) {
    // Who looks at an observation of before sees what was then.
    const refusals = new Map(known);
    if (refusal === undefined) refusals.delete(node);
    else refusals.set(node, refusal);
    if (refusals.size === 0) state.refusals.delete(slot.id);
    else state.refusals.set(slot.id, refusals);
  }
  if (former?.why === refusal?.why) return;
  const subject = `slot ${slot.pool}/${slot.index}`;
  const knownTrouble = state.addressTroubles.get(slot.id)?.get(node) ?? '';
  if (refusal !== undefined && !trouble.includes(refusal.why)) {
    const message = `${node} does not serve the slot: ${refusal.why}.`;
    journal.event(wallMs, 'slot.refused', 'warning', subject, message);
  }
  if (refusal === undefined && former !== undefined && !knownTrouble.includes(former.why))
    journal.event(wallMs, 'slot.refused', 'info', subject, `${node} would serve the slot again.`);
}

/** Why nodes would not serve a slot, each with its name, where no trouble of its addresses says it; empty: all would. */
export function refusalsOf(state: ManagerState, slot: string): string[] {
  const troubles = state.addressTroubles.get(slot);
  return [...(state.refusals.get(slot) ?? [])].flatMap(([node, { why }]) =>
    troubles?.get(node)?.includes(why) ? [] : [`${node}: ${why}`],
  );
}
