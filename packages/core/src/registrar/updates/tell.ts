// SPDX-License-Identifier: Apache-2.0
import type { PoolElement } from '@vnfpool/wire/parameters';
import { sendToAll } from '../peers/send.ts';
import type { RegistrarState } from '../state.ts';

/** ADD_PE or DEL_PE for an element that we own, or owned until now, to every peer. @see RFC 5353 §3.3 */
export function tellUpdate(
  state: RegistrarState,
  action: 'add' | 'delete',
  poolHandle: Uint8Array,
  element: PoolElement,
): void {
  const takeoverSuggested = false;
  const content = { type: 'handle-update', takeoverSuggested, action, poolHandle, element } as const;
  state.counters.handleUpdatesSent += sendToAll(state, content);
}
