// SPDX-License-Identifier: Apache-2.0
import { mentorLost } from '../joining/mentor-lost.ts';
import type { RegistrarState } from '../state.ts';
import { failDownload } from '../tables/download-end.ts';
import { endSession } from '../tables/session.ts';
import { scheduleConnect } from './connecting.ts';
import type { PeerLink } from './peer.ts';

/** Closes an ENRP association; does nothing to one that is closed. */
export function closeLink(state: RegistrarState, link: PeerLink, reason: string, nowMs: number): void {
  if (!state.scope.links.has(link.id)) return;
  state.close(link, reason);
  forgetLink(state, link, reason, nowMs);
}

/** An ENRP association is gone: the peer has others, or is connected to again. */
export function forgetLink(state: RegistrarState, link: PeerLink, reason: string, nowMs: number): void {
  const { scope } = state;
  scope.links.delete(link.id);
  state.deadlines.clearAll(link);
  endSession(state, link);
  const peer = link.registrarId === undefined ? undefined : scope.peers.get(link.registrarId);
  if (peer?.links.delete(link) === true) {
    if (peer.via === link) [peer.via] = peer.links;
    if (peer.download?.link === link) failDownload(state, peer.download, reason, nowMs);
    if (peer.via === undefined) scheduleConnect(state, peer, nowMs, 0);
  }
  if (link.wanted !== undefined && link.wanted !== peer && link.wanted.via === undefined)
    scheduleConnect(state, link.wanted, nowMs, link.wanted.reconnectMs);
  mentorLost(state, link, reason, nowMs);
}
