// SPDX-License-Identifier: Apache-2.0
import type { Presence } from '@vnfpool/wire/enrp';
import { auditPeer } from '../audit/audit.ts';
import { revive } from '../peers/liveness.ts';
import { setTransport } from '../peers/peer-list.ts';
import { sendPresence } from '../peers/send.ts';
import { endTakeover, takeoverEvent } from '../takeover/end.ts';
import type { EnrpHandler } from './handler.ts';

/** A peer is there, and says where, and what it owns. @see RFC 5353 §3.4, §3.6 */
export const handlePresence: EnrpHandler<Presence> = (state, { peer, link }, message, nowMs) => {
  if (message.server?.registrarId === peer.id) setTransport(state, peer, message.server.transport, nowMs);
  if (message.replyRequired) sendPresence(state, link, false, nowMs);
  else if (link.askedMs !== undefined) {
    if (!link.rttIsTransports) link.rttMs = nowMs - link.askedMs;
    link.askedMs = undefined;
  }
  if (peer.takeover !== undefined) {
    endTakeover(state, peer.takeover);
    takeoverEvent(state, 'takeover-off', peer.id, state.registrarId, 'the target lives');
  }
  revive(state, peer, 'presence');
  if (message.checksum !== undefined) auditPeer(state, peer, message.checksum, nowMs);
};
