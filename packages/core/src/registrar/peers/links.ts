// SPDX-License-Identifier: Apache-2.0
import type { EnrpMessage } from '@vnfpool/wire/enrp';
import type { EnrpInput } from '../messages.ts';
import type { RegistrarState } from '../state.ts';
import { TokenBucket } from '../token-bucket.ts';
import { takeAttempt } from './attempt.ts';
import { closeLink } from './close-link.ts';
import { scheduleConnect } from './connecting.ts';
import { endpointKey, sameEndpoint } from './endpoints.ts';
import type { PeerLink, PeerRegistrar } from './peer.ts';
import { learnPeer } from './peer-list.ts';
import { forgetLost } from './rediscovery.ts';
import { sendOver, sendPresence } from './send.ts';

/** Associations to one peer at most; the oldest that is not in use goes. */
const LINKS_PER_PEER_MAX = 4;
/** Endpoints of one peer that are remembered at most. */
const ENDPOINTS_MAX = 8;

/**
 * An ENRP association is up. Nothing is kept for whoever may not be a registrar of the scope.
 * @see RFC 5355 §2.5
 */
export function openLink(
  state: RegistrarState,
  input: Extract<EnrpInput, { type: 'peer-opened' }>,
  nowMs: number,
): void {
  const { scope, options, deadlines } = state;
  const { association: id, identity, peer, attempt: number } = input;
  const attempt = takeAttempt(state, number, 'enrp');
  const refusal = refuse(state, input);
  if (refusal !== undefined) {
    state.counters.peersRefused += 1;
    state.event({ type: 'event', event: 'peer-refused', association: id, reason: refusal });
    state.close({ id }, refusal);
    attempt?.failed(refusal, nowMs);
    return;
  }
  const link: PeerLink = {
    id,
    identity,
    peer,
    wanted: attempt?.wanted,
    openedMs: nowMs,
    towards: attempt?.transport,
    registrarId: undefined,
    isDoubtful: false,
    lastHeardMs: nowMs,
    askedMs: undefined,
    rttMs: undefined,
    rttIsTransports: false,
    tableRequests: new TokenBucket(options.tableRequestRate, nowMs),
    session: undefined,
    malformed: 0,
  };
  scope.links.set(id, link);
  deadlines.set(link, 'link-hello', nowMs + 2 * options.maxTimeNoResponseMs);
  attempt?.opened(link, nowMs);
}

function refuse(
  { scope, options }: RegistrarState,
  { identity }: Extract<EnrpInput, { type: 'peer-opened' }>,
): string | undefined {
  if (scope.server === undefined || scope.phase === 'stopped') return 'not a member of a scope';
  if (identity === null && !options.openPeering) return 'not authenticated';
  if (identity !== null && identity.role !== 'registrar') return `a ${identity.role}, not a registrar`;
  return scope.links.size >= options.peerAssociationsMax ? 'too many associations' : undefined;
}

/** The first message tells who is at the other end, for as long as the association lasts. */
export function bindLink(
  state: RegistrarState,
  link: PeerLink,
  message: EnrpMessage,
  nowMs: number,
): PeerRegistrar | undefined {
  const { scope, deadlines, options } = state;
  const { sender } = message;
  const isNew = !scope.peers.has(sender);
  const peer = learnPeer(state, sender, undefined, 'it made itself known', nowMs);
  if (peer === undefined) {
    closeLink(state, link, 'the peer list is full', nowMs);
    return undefined;
  }
  link.registrarId = sender;
  forgetLost(state, sender);
  deadlines.clear(link, 'link-hello');
  if (isNamesake(state, link, peer, message, nowMs)) {
    link.isDoubtful = true;
    const reason = 'its identifier is in use at another endpoint';
    state.event({ type: 'event', event: 'peer-refused', association: link.id, reason });
    return peer;
  }
  peer.links.add(link);
  peer.name = link.identity?.name ?? peer.name;
  // Who comes again after a while has lost the association that it had, whether we have noticed or not; two at once
  // are the two of us who connected at the same time.
  const isAgain = peer.via !== undefined && nowMs - peer.via.openedMs > 2 * options.maxTimeNoResponseMs;
  if (peer.via === undefined || isAgain) peer.via = link;
  if (link.towards !== undefined && peer.endpoints.size < ENDPOINTS_MAX)
    peer.endpoints.add(endpointKey(link.towards));
  deadlines.clear(peer, 'peer-connect');
  if (isNew) {
    if (link.askedMs === undefined) sendPresence(state, link, true, nowMs);
    // It may belong to a part of the scope of which we know nothing.
    if (scope.phase === 'running') sendOver(state, link, { type: 'list-request' });
  }
  dropSurplus(state, link, peer, nowMs);
  return peer;
}

/**
 * Whether another registrar, which lives, has this identifier: an identifier belongs to who authenticated itself
 * under it, as long as that one is connected or may come back.
 */
function isNamesake(
  { options }: RegistrarState,
  link: PeerLink,
  peer: PeerRegistrar,
  message: EnrpMessage,
  nowMs: number,
): boolean {
  const isThere =
    peer.via !== undefined ||
    nowMs - (peer.lastHeardMs ?? Number.NEGATIVE_INFINITY) <= options.maxTimeLastHeardMs;
  if (peer.name !== undefined && isThere) return link.identity?.name !== peer.name;
  if (peer.via === undefined) return false;
  const told = message.type === 'presence' ? message.server?.transport : undefined;
  return told !== undefined && peer.transport !== undefined && !sameEndpoint(told, peer.transport);
}

function dropSurplus(state: RegistrarState, link: PeerLink, peer: PeerRegistrar, nowMs: number): void {
  const { wanted } = link;
  if (wanted !== undefined && wanted !== peer) {
    // Another registrar answers at that endpoint now.
    if (peer.links.size > 1) closeLink(state, link, 'another registrar than expected', nowMs);
    else scheduleConnect(state, wanted, nowMs, wanted.reconnectMs);
    return;
  }
  for (const old of peer.links) {
    if (peer.links.size <= LINKS_PER_PEER_MAX) return;
    if (old !== peer.via && old !== link) closeLink(state, old, 'too many to one peer', nowMs);
  }
}
