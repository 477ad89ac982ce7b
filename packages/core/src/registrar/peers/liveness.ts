// SPDX-License-Identifier: Apache-2.0
import type { RegistrarState } from '../state.ts';
import { startTakeover } from '../takeover/start.ts';
import { scheduleConnect } from './connecting.ts';
import type { PeerLink, PeerRegistrar } from './peer.ts';
import { sendPresence } from './send.ts';

/** Any message shows that a peer lives, unless somebody is taking it over: then only a presence does. */
export function heardFrom(state: RegistrarState, peer: PeerRegistrar, link: PeerLink, nowMs: number): void {
  const quietMs = nowMs - (peer.via?.lastHeardMs ?? Number.NEGATIVE_INFINITY);
  peer.lastHeardMs = nowMs;
  link.lastHeardMs = nowMs;
  peer.unreachable = undefined;
  peer.reconnectMs = state.options.reconnectMinMs;
  // Of two associations to one peer, the registrar with the lower identifier follows the other one, so that both
  // come to use the same; an association that has gone quiet is left by both.
  const follows = state.registrarId < peer.id || quietMs > state.options.maxTimeLastHeardMs;
  if (peer.via === undefined || follows) peer.via = link;
  if (peer.state !== 'suspect') return;
  state.deadlines.clear(peer, 'peer-answer');
  revive(state, peer, 'heard again');
}

/** A peer is among the living again. */
export function revive(state: RegistrarState, peer: PeerRegistrar, reason: string): void {
  if (peer.state === 'active') return;
  peer.state = 'active';
  state.deadlines.clear(peer, 'peer-inactive');
  state.deadlines.clear(peer, 'peer-answer');
  state.event({ type: 'event', event: 'peer-back', registrarId: peer.id, reason });
}

/** MAX-TIME-LAST-HEARD may be over: messages do not move the timer, it looks when they came. @see RFC 5353 §3.4 */
export function peerSilent(state: RegistrarState, peer: PeerRegistrar, nowMs: number): void {
  const dueMs = (peer.lastHeardMs ?? peer.foundMs) + state.options.maxTimeLastHeardMs;
  if (dueMs > nowMs || peer.state !== 'active') {
    state.deadlines.set(peer, 'peer-silent', Math.max(dueMs, nowMs + state.options.maxTimeLastHeardMs / 8));
    return;
  }
  suspectPeer(state, peer, 'silent', nowMs);
}

/** Asks a peer whether it is there, and waits MAX-TIME-NO-RESPONSE for any word of it. */
export function suspectPeer(state: RegistrarState, peer: PeerRegistrar, reason: string, nowMs: number): void {
  const { options, deadlines } = state;
  peer.state = 'suspect';
  deadlines.clear(peer, 'peer-inactive');
  deadlines.set(peer, 'peer-silent', nowMs + options.maxTimeLastHeardMs);
  deadlines.set(peer, 'peer-answer', nowMs + options.maxTimeNoResponseMs);
  state.event({ type: 'event', event: 'peer-suspect', registrarId: peer.id, reason });
  if (peer.via !== undefined) sendPresence(state, peer.via, true, nowMs);
  else scheduleConnect(state, peer, nowMs, 0);
}

/** A suspect did not answer. `lateMs`: how late we notice; then it was we who were away, and its answer may wait. */
export function peerUnanswered(
  state: RegistrarState,
  peer: PeerRegistrar,
  nowMs: number,
  lateMs: number,
): void {
  const { options, scope } = state;
  if (lateMs > options.maxTimeNoResponseMs / 2 || scope.phase === 'joining') {
    suspectPeer(state, peer, scope.phase === 'joining' ? 'silent' : 'we were away ourselves', nowMs);
    return;
  }
  peerDied(state, peer, peer.unreachable ?? 'no answer', nowMs);
}

export function peerDied(state: RegistrarState, peer: PeerRegistrar, reason: string, nowMs: number): void {
  if (state.scope.phase !== 'running') return;
  state.deadlines.clear(peer, 'peer-answer');
  state.event({ type: 'event', event: 'peer-dead', registrarId: peer.id, reason });
  startTakeover(state, peer, nowMs);
}
