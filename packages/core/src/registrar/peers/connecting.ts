// SPDX-License-Identifier: Apache-2.0
import type { RegistrarState } from '../state.ts';
import { connect } from './attempt.ts';
import type { PeerRegistrar } from './peer.ts';
import { sendOver, sendPresence } from './send.ts';

/** Plans to connect to a peer that has no association, after `delayMs`. */
export function scheduleConnect(
  state: RegistrarState,
  peer: PeerRegistrar,
  nowMs: number,
  delayMs: number,
): void {
  const isListed = state.scope.peers.get(peer.id) === peer;
  if (!isListed || peer.via !== undefined || peer.connecting || peer.transport === undefined) return;
  const dueMs = nowMs + delayMs;
  const plannedMs = state.deadlines.get(peer, 'peer-connect');
  if (plannedMs === undefined || dueMs < plannedMs) state.deadlines.set(peer, 'peer-connect', dueMs);
}

/** The pause doubles with each attempt, and is short again once a message was heard. */
export function connectPeer(state: RegistrarState, peer: PeerRegistrar, nowMs: number): void {
  const { transport } = peer;
  if (peer.via !== undefined || peer.connecting || transport === undefined) return;
  if (state.scope.phase === 'stopped') return;
  peer.connecting = true;
  const waitMs = peer.reconnectMs * (0.5 + state.random.fraction());
  peer.reconnectMs = Math.min(2 * peer.reconnectMs, state.options.reconnectMaxMs);
  connect(
    state,
    transport,
    {
      protocol: 'enrp',
      wanted: peer,
      opened(link, atMs) {
        peer.connecting = false;
        sendPresence(state, link, true, atMs);
        // It may know registrars that came while we were apart.
        if (state.scope.phase === 'running') sendOver(state, link, { type: 'list-request' });
      },
      failed(reason, atMs) {
        peer.connecting = false;
        if (state.scope.peers.get(peer.id) !== peer) return;
        peer.unreachable = reason;
        // A question to a suspect that cannot even be sent need not be waited for.
        if (peer.state === 'suspect' && peer.via === undefined)
          state.deadlines.set(peer, 'peer-answer', atMs);
        scheduleConnect(state, peer, atMs, waitMs);
      },
    },
    nowMs,
  );
}
