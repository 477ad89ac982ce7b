// SPDX-License-Identifier: Apache-2.0
import type { PoolElement } from '@vnfpool/wire/parameters';
import { takeElement } from '../elements.ts';
import { askAgain, attach } from '../reach.ts';
import type { RegistrarState } from '../state.ts';

/**
 * An element that another registrar claimed, and does not own as its table shows. If it was ours before, and its
 * association is still open, it is asked to have us as its home again; false: it was not.
 */
export function reclaim(
  state: RegistrarState,
  poolHandle: Uint8Array,
  element: PoolElement,
  nowMs: number,
): boolean {
  const formerly = state.remote.get(poolHandle, element.id)?.formerly;
  const association = formerly === undefined ? undefined : state.associations.get(formerly);
  if (association === undefined || state.scope.phase !== 'running') return false;
  const own = { ...element, homeRegistrar: state.registrarId };
  if (state.handlespace.set(poolHandle, own).kind === 'refused') return false;
  const owned = takeElement(state, poolHandle, element.id, element.homeRegistrar, nowMs);
  attach(owned, association);
  askAgain(state, owned, nowMs);
  return true;
}

/**
 * Its new owner has removed an element that was ours before. If its association is still open it may well live, and
 * hears that it is out, so that it registers again at once.
 */
export function tellOut(state: RegistrarState, poolHandle: Uint8Array, elementId: number): void {
  const formerly = state.remote.get(poolHandle, elementId)?.formerly;
  const association = formerly === undefined ? undefined : state.associations.get(formerly);
  if (association === undefined) return;
  state.send(association, { type: 'deregistration-response', poolHandle, elementId, causes: [] });
}
