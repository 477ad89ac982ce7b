// SPDX-License-Identifier: Apache-2.0
import { giveUpElement } from '../elements.ts';
import type { PeerRegistrar } from '../peers/peer.ts';
import { removePeer } from '../peers/peer-list.ts';
import { tellPresence } from '../peers/presence-cycle.ts';
import { keepRemoteElement } from '../remote-elements.ts';
import type { RegistrarState } from '../state.ts';
import { poolChanged } from '../subscriptions/pool-changed.ts';
import { touchDownloads } from '../tables/download-end.ts';
import { endTakeover, takeoverEvent } from './end.ts';

/** Somebody has taken a registrar over: all that it owned has a new home. @see RFC 5353 §3.5.2 */
export function takenOver(
  state: RegistrarState,
  winner: PeerRegistrar,
  targetId: number,
  nowMs: number,
): void {
  const { scope, counters } = state;
  if (targetId === state.registrarId) {
    // All the others think so by now: what we owned is the winner's until it registers with us again. Two that both
    // insist would each give up to the other.
    takeoverEvent(state, 'takeover-off', targetId, winner.id, 'it was us, and we live');
    rehome(state, targetId, winner, nowMs);
    tellPresence(state);
    return;
  }
  if (targetId === winner.id) return;
  const target = scope.peers.get(targetId);
  if (target?.takeover !== undefined) {
    endTakeover(state, target.takeover);
    counters.takeoversLost += 1;
    takeoverEvent(state, 'takeover-lost', targetId, winner.id, 'it has been taken over');
  }
  if (target !== undefined) removePeer(state, target, 'taken over', nowMs);
  rehome(state, targetId, winner, nowMs);
}

function rehome(state: RegistrarState, from: number, winner: PeerRegistrar, nowMs: number): void {
  for (const { pool, element } of state.handlespace.transfer(from, winner.id)) {
    const { handle: poolHandle } = pool;
    const { id: elementId } = element;
    const owned = state.owned.get(poolHandle, elementId);
    if (owned !== undefined) {
      const formerly = owned.association?.id;
      giveUpElement(state, owned);
      keepRemoteElement(state, poolHandle, element, nowMs, formerly);
    }
    touchDownloads(state, poolHandle, elementId);
    poolChanged(state, poolHandle);
    const moved = { from, to: winner.id, reason: 'taken-over' } as const;
    state.event({ type: 'event', event: 'element-moved', poolHandle, elementId, ...moved });
  }
}
