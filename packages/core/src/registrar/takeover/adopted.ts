// SPDX-License-Identifier: Apache-2.0
import type { OwnedElement, RegistrarState } from '../state.ts';
import { tellUpdate } from '../updates/tell.ts';

/** An element that we took over accepts us; registrars that have not heard of the takeover hear of it now. */
export function adopted(state: RegistrarState, owned: OwnedElement): void {
  owned.adopting = false;
  state.counters.adoptions += 1;
  const element = state.handlespace.pool(owned.poolHandle)?.get(owned.id);
  if (element !== undefined) tellUpdate(state, 'add', owned.poolHandle, element);
}
