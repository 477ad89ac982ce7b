// SPDX-License-Identifier: Apache-2.0
import type { PoolElement } from '@vnfpool/wire/parameters';
import type { PeerRegistrar } from '../peers/peer.ts';
import { sendTo } from '../peers/send.ts';
import type { RegistrarState } from '../state.ts';

/**
 * Suggests a new element of ours to the registrar whose identifier, combined with the element's by exclusive or, is
 * the largest: so elements spread over all registrars. Nobody is asked if that is us.
 * @see draft-dreibholz-rserpool-enrp-takeover
 */
export function suggestTakeover(state: RegistrarState, poolHandle: Uint8Array, element: PoolElement): void {
  if (!state.options.suggestTakeover || element.asapTransport === undefined) return;
  let best: PeerRegistrar | undefined;
  let most = (state.registrarId ^ element.id) >>> 0;
  for (const peer of state.scope.peers.values()) {
    const value = (peer.id ^ element.id) >>> 0;
    if (peer.state !== 'active' || peer.via === undefined || value <= most) continue;
    best = peer;
    most = value;
  }
  if (best === undefined) return;
  const update = { action: 'add', poolHandle, element, takeoverSuggested: true } as const;
  if (sendTo(state, best, { type: 'handle-update', ...update })) state.counters.suggestionsSent += 1;
}
