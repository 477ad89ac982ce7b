// SPDX-License-Identifier: Apache-2.0
import type { PeerRegistrar } from '../peers/peer.ts';
import { removePeer } from '../peers/peer-list.ts';
import { sendToAll } from '../peers/send.ts';
import type { RegistrarState } from '../state.ts';
import { endTakeover, takeoverEvent } from './end.ts';
import type { Takeover } from './takeover.ts';
import { winTakeover } from './win.ts';

/** Begins to take over a dead registrar: whoever else is active must agree. @see RFC 5353 §3.5.1 */
export function startTakeover(state: RegistrarState, target: PeerRegistrar, nowMs: number): void {
  const owns = state.handlespace.ownedCount(target.id);
  if (owns === 0) {
    removePeer(state, target, 'dead, and it owned nothing', nowMs);
    return;
  }
  target.state = 'inactive';
  state.deadlines.clear(target, 'peer-inactive');
  state.counters.takeoversStarted += 1;
  takeoverEvent(state, 'takeover-started', target.id, state.registrarId, `${owns} elements`);
  if (target.takeover !== undefined) endTakeover(state, target.takeover);
  const takeover: Takeover = { target, waiting: new Set() };
  target.takeover = takeover;
  requestAcks(state, takeover, nowMs);
}

/** INIT_TAKEOVER to all, the target too: if it lives, it says so. */
function requestAcks(state: RegistrarState, takeover: Takeover, nowMs: number): void {
  const { scope, options, deadlines } = state;
  const { target, waiting } = takeover;
  waiting.clear();
  for (const peer of scope.peers.values()) {
    if (peer !== target && peer.state === 'active') waiting.add(peer);
  }
  sendToAll(state, { type: 'init-takeover', target: target.id });
  if (waiting.size === 0) winTakeover(state, takeover, nowMs);
  else deadlines.set(takeover, 'takeover-acks', nowMs + options.takeoverExpiryMs);
}

/** One registrar agrees. */
export function takeAck(state: RegistrarState, takeover: Takeover, peer: PeerRegistrar, nowMs: number): void {
  const isWaiting = state.deadlines.get(takeover, 'takeover-acks') !== undefined;
  takeover.waiting.delete(peer);
  if (isWaiting && takeover.waiting.size === 0) winTakeover(state, takeover, nowMs);
}

/** Starts over, with whoever is active now. */
export function restartTakeover(state: RegistrarState, takeover: Takeover, nowMs: number): void {
  if (takeover.target.takeover === takeover) requestAcks(state, takeover, nowMs);
}
