// SPDX-License-Identifier: Apache-2.0
import type { PoolElement } from '@vnfpool/wire/parameters';
import type { SetResult } from '../handlespace/handlespace.ts';
import { scheduleKeepAlive } from './keep-alive.ts';
import type { RemovalReason } from './messages.ts';
import type { Association, OwnedElement, RegistrarState } from './state.ts';

/*
 * The only place where elements that we own come, change and go. Telling the other registrars of the scope
 * (ENRP handle updates) belongs into these two functions.
 */

/** Takes an element as our own, new or again; or says why the handlespace refuses it. */
export function adoptElement(
  state: RegistrarState,
  association: Association,
  poolHandle: Uint8Array,
  element: PoolElement,
  lifeMs: number | undefined,
  nowMs: number,
): SetResult {
  const result = state.handlespace.set(poolHandle, element);
  if (result.kind === 'refused') return result;
  let owned = state.owned(poolHandle, element.id);
  if (owned === undefined) {
    owned = {
      poolHandle: result.pool.handle,
      id: element.id,
      association: undefined,
      owner: undefined,
      badReports: 0,
      reporters: new Map(),
      lastKeepAliveMs: Number.NEGATIVE_INFINITY,
      lastHeardMs: nowMs,
    };
    state.own(owned);
  }
  owned.association?.elements.delete(owned);
  owned.association = association;
  owned.owner = association.identity?.name;
  association.elements.add(owned);
  owned.badReports = 0;
  owned.reporters.clear();
  owned.lastHeardMs = nowMs;
  state.deadlines.clearAll(owned);
  if (lifeMs !== undefined) state.deadlines.set(owned, 'life', nowMs + lifeMs);
  scheduleKeepAlive(state, owned, nowMs);
  return result;
}

/** Removes an element that we own. */
export function removeElement(state: RegistrarState, owned: OwnedElement, reason: RemovalReason): void {
  state.handlespace.delete(owned.poolHandle, owned.id);
  state.deadlines.clearAll(owned);
  state.disown(owned);
  owned.association?.elements.delete(owned);
  state.counters.elementsRemoved += 1;
  const { poolHandle, id: elementId } = owned;
  state.event({ type: 'event', event: 'element-removed', poolHandle, elementId, reason });
}
