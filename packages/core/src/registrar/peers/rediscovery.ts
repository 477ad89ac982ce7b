// SPDX-License-Identifier: Apache-2.0
import type { RegistrarTransport } from '../messages.ts';
import type { RegistrarState } from '../state.ts';
import { connect } from './attempt.ts';
import { endpointKey, sameEndpoint } from './endpoints.ts';
import type { PeerRegistrar } from './peer.ts';
import { sendOver, sendPresence, sendTo } from './send.ts';

/** Endpoints of lost registrars that are remembered at most; the oldest go first. */
const LOST_MAX = 64;
const LOST_KEPT_MS = 3_600_000;

/** Remembers where a registrar was that left the peer list: it may have been the network, and not that registrar. */
export function rememberLost(state: RegistrarState, peer: PeerRegistrar, nowMs: number): void {
  const { lost } = state.scope;
  const { id: registrarId, transport } = peer;
  if (transport === undefined) return;
  const key = endpointKey(transport);
  lost.delete(key);
  lost.set(key, { registrarId, transport, atMs: nowMs });
  for (const oldest of lost.keys()) {
    if (lost.size <= LOST_MAX) return;
    lost.delete(oldest);
  }
}

/** Whether this registrar was lost and not heard since: what others list does not bring it back to life. */
export function isLost(state: RegistrarState, registrarId: number): boolean {
  return [...state.scope.lost.values()].some((lost) => lost.registrarId === registrarId);
}

/** It is there again. */
export function forgetLost(state: RegistrarState, registrarId: number): void {
  const { lost } = state.scope;
  for (const [key, entry] of lost) if (entry.registrarId === registrarId) lost.delete(key);
}

/** Asks one peer whom it knows: registrars that were all joining when they met have told each other nothing. */
function askAnyone(state: RegistrarState): void {
  const connected = [...state.scope.peers.values()].filter(({ via }) => via !== undefined);
  const peer = connected[Math.floor(state.random.fraction() * connected.length)];
  if (peer !== undefined) sendTo(state, peer, { type: 'list-request' });
}

/**
 * Looks for registrars where there should be some and where there were some: after a cut through the network each
 * part has forgotten the other, and after a lonely start nobody knows us.
 */
export function rediscover(state: RegistrarState, nowMs: number): void {
  const { scope, options, deadlines } = state;
  deadlines.set(scope, 'rediscovery', nowMs + state.jittered(options.reconnectMaxMs));
  askAnyone(state);
  for (const [key, { atMs }] of scope.lost) if (nowMs - atMs > LOST_KEPT_MS) scope.lost.delete(key);
  const isKnown = (transport: RegistrarTransport): boolean =>
    [...scope.peers.values()].some(
      (peer) =>
        peer.endpoints.has(endpointKey(transport)) ||
        (peer.transport !== undefined && sameEndpoint(peer.transport, transport)),
    );
  const transports = [...scope.mentors, ...[...scope.lost.values()].map(({ transport }) => transport)];
  for (const transport of transports) {
    if (isKnown(transport)) continue;
    connect(
      state,
      transport,
      {
        protocol: 'enrp',
        wanted: undefined,
        opened(link, atMs) {
          sendPresence(state, link, true, atMs);
          sendOver(state, link, { type: 'list-request' });
        },
        failed: () => undefined,
      },
      nowMs,
    );
  }
}
