// SPDX-License-Identifier: Apache-2.0
import type { ServerInformation } from '@vnfpool/wire/parameters';
import type { RegistrarState } from '../state.ts';
import type { PeerLink } from './peer.ts';
import { sendOver } from './send.ts';

/** Answers a list request. @see RFC 5353 §2.6 */
export function sendServerList(state: RegistrarState, link: PeerLink): void {
  const { scope, registrarId } = state;
  if (scope.phase !== 'running') {
    sendOver(state, link, { type: 'list-response', rejected: true, servers: [] });
    return;
  }
  const servers: ServerInformation[] = [];
  if (scope.server !== undefined) servers.push({ registrarId, transport: scope.server });
  for (const { id, transport } of scope.peers.values()) {
    if (transport !== undefined) servers.push({ registrarId: id, transport });
  }
  sendOver(state, link, { type: 'list-response', rejected: false, servers });
}
