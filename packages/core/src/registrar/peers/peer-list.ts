// SPDX-License-Identifier: Apache-2.0
import type { RegistrarTransport } from '../messages.ts';
import type { RegistrarState } from '../state.ts';
import { endDownload } from '../tables/download-end.ts';
import { endTakeover } from '../takeover/end.ts';
import { closeLink } from './close-link.ts';
import { scheduleConnect } from './connecting.ts';
import { sameEndpoint } from './endpoints.ts';
import type { PeerRegistrar } from './peer.ts';
import { rememberLost } from './rediscovery.ts';

/**
 * The peer of this identifier, taken into the list if it is new; undefined: it is ourselves or nobody, or the
 * list is full.
 */
export function learnPeer(
  state: RegistrarState,
  id: number,
  transport: RegistrarTransport | undefined,
  reason: string,
  nowMs: number,
): PeerRegistrar | undefined {
  const { scope, options, counters } = state;
  if (id === 0 || id === state.registrarId) return undefined;
  const known = scope.peers.get(id);
  if (known !== undefined) {
    if (known.transport === undefined && transport !== undefined)
      setTransport(state, known, transport, nowMs);
    return known;
  }
  if (scope.peers.size >= options.peersMax) {
    if (!scope.peersWereFull)
      state.event({ type: 'event', event: 'limit-reached', association: null, reason: 'peers' });
    scope.peersWereFull = true;
    counters.peersRefused += 1;
    return undefined;
  }
  const peer: PeerRegistrar = {
    id,
    transport: undefined,
    endpoints: new Set(),
    name: undefined,
    state: 'active',
    lastHeardMs: undefined,
    foundMs: nowMs,
    links: new Set(),
    via: undefined,
    connecting: false,
    unreachable: undefined,
    reconnectMs: options.reconnectMinMs,
    checksumTold: undefined,
    mismatches: 0,
    download: undefined,
    noDownloadBeforeMs: Number.NEGATIVE_INFINITY,
    resyncs: 0,
    takeover: undefined,
  };
  scope.peers.set(id, peer);
  state.deadlines.set(peer, 'peer-silent', nowMs + options.maxTimeLastHeardMs);
  state.event({ type: 'event', event: 'peer-found', registrarId: id, reason });
  if (transport !== undefined) setTransport(state, peer, transport, nowMs);
  return peer;
}

/** What a peer itself, or somebody about one that is not connected, says of its endpoint. */
export function setTransport(
  state: RegistrarState,
  peer: PeerRegistrar,
  transport: RegistrarTransport,
  nowMs: number,
): void {
  // An endpoint of ours under another identifier is one that we had before.
  const { server } = state.scope;
  if (server !== undefined && sameEndpoint(server, transport)) return;
  peer.transport = transport;
  if (peer.via === undefined) scheduleConnect(state, peer, nowMs, 0);
}

/** Takes a peer out of the list. What it owns stays as it is. */
export function removePeer(state: RegistrarState, peer: PeerRegistrar, reason: string, nowMs: number): void {
  if (state.scope.peers.get(peer.id) !== peer) return;
  state.scope.peers.delete(peer.id);
  state.scope.peersWereFull = false;
  state.deadlines.clearAll(peer);
  rememberLost(state, peer, nowMs);
  if (peer.download !== undefined) endDownload(state, peer.download);
  if (peer.takeover !== undefined) endTakeover(state, peer.takeover);
  for (const link of peer.links) closeLink(state, link, `peer removed: ${reason}`, nowMs);
  state.event({ type: 'event', event: 'peer-removed', registrarId: peer.id, reason });
}
