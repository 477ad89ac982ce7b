// SPDX-License-Identifier: Apache-2.0
import type { EnrpMessage } from '@vnfpool/wire/enrp';
import { failMentor } from '../joining/mentor-lost.ts';
import type { RegistrarState } from '../state.ts';
import { endTakeover } from '../takeover/end.ts';
import { closeLink } from './close-link.ts';
import { sameEndpoint } from './endpoints.ts';
import type { PeerLink } from './peer.ts';

/** Identifier changes within this time, and how many; more than that are somebody's mischief. */
const CHANGES_MS = 60_000;
const CHANGES_MAX = 3;

/** A message has our own identifier as its sender: we are connected to ourselves, or somebody else has it too. */
export function ownIdentifierSeen(
  state: RegistrarState,
  link: PeerLink,
  message: EnrpMessage,
  nowMs: number,
): void {
  const { server } = state.scope;
  const other = message.type === 'presence' ? message.server?.transport : undefined;
  if (server !== undefined && other !== undefined && sameEndpoint(server, other)) {
    closeLink(state, link, 'connected to ourselves', nowMs);
    return;
  }
  if (link.registrarId !== undefined) {
    closeLink(state, link, 'changed its identifier', nowMs);
    return;
  }
  closeLink(state, link, 'it has our identifier', nowMs);
  changeIdentifier(state, 'another registrar has it', nowMs);
}

/**
 * Takes another identifier, for us and for all that we own. The associations go with the old one; over the new ones
 * the peers find by the audit what we own.
 */
export function changeIdentifier(state: RegistrarState, reason: string, nowMs: number): void {
  const { scope, handlespace, random, registrarId: from } = state;
  const recent = scope.identifierChangesMs.filter((atMs) => nowMs - atMs < CHANGES_MS);
  if (recent.length >= CHANGES_MAX) return;
  scope.identifierChangesMs = [...recent, nowMs];
  let to = random.u32();
  while (to === 0 || to === from || scope.peers.has(to)) to = (to + 1) >>> 0;
  state.registrarId = to;
  handlespace.transfer(from, to);
  state.counters.identifierChanges += 1;
  state.event({ type: 'event', event: 'identifier-changed', from, to, reason });
  for (const peer of scope.peers.values()) {
    if (peer.takeover === undefined) continue;
    // Begun under the old identifier, which nobody would wait for any more: it begins again.
    endTakeover(state, peer.takeover);
    peer.state = 'suspect';
    state.deadlines.set(peer, 'peer-answer', nowMs);
  }
  for (const link of scope.links.values()) closeLink(state, link, 'our identifier changed', nowMs);
  // Who refused the old one may take the new one.
  scope.hints.clear();
  const { join } = scope;
  if (join !== undefined && join.link === undefined && join.stage !== 'pause' && join.stage !== 'discover')
    failMentor(state, join, 'our identifier changed', nowMs);
}
