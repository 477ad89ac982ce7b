// SPDX-License-Identifier: Apache-2.0
import type { PeerRegistrar } from '../peers/peer.ts';
import { removePeer } from '../peers/peer-list.ts';
import { tellPresence } from '../peers/presence-cycle.ts';
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
  const { scope, handlespace, counters } = state;
  if (targetId === state.registrarId) {
    // What has been registered with us stays ours until it registers there; the audit tells the others.
    takeoverEvent(state, 'takeover-off', targetId, winner.id, 'it is us, and we live');
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
  for (const { pool, element } of handlespace.transfer(targetId, winner.id)) {
    const { handle: poolHandle } = pool;
    const { id: elementId } = element;
    touchDownloads(state, poolHandle, elementId);
    poolChanged(state, poolHandle);
    const moved = { from: targetId, to: winner.id, reason: 'taken-over' } as const;
    state.event({ type: 'event', event: 'element-moved', poolHandle, elementId, ...moved });
  }
}
