// SPDX-License-Identifier: Apache-2.0
import type { EnrpMessage } from '@vnfpool/wire/enrp';
import type { ErrorCause, UnrecognizedParameter } from '@vnfpool/wire/parameters';
import { dispatchEnrp } from '../enrp-handlers/table.ts';
import { reportable, shortened } from '../reports.ts';
import type { RegistrarState } from '../state.ts';
import { closeLink } from './close-link.ts';
import { bindLink } from './links.ts';
import { heardFrom } from './liveness.ts';
import { ownIdentifierSeen } from './own-identifier.ts';
import type { PeerLink } from './peer.ts';
import { sendOver } from './send.ts';
import { sendServerList } from './server-list.ts';

/** A message of another registrar: who it is, that it lives, and then what it says. */
export function receive(
  state: RegistrarState,
  link: PeerLink,
  message: EnrpMessage,
  unrecognized: readonly UnrecognizedParameter[],
  nowMs: number,
): void {
  const { scope, counters, registrarId } = state;
  if (scope.phase === 'stopped') return;
  counters.unrecognized += unrecognized.length;
  const causes = message.type === 'error' ? [] : reportable(unrecognized);
  if (causes.length > 0) sendOver(state, link, { type: 'error', causes });
  const { sender, receiver } = message;
  if (sender === 0) {
    closeLink(state, link, 'a registrar without identifier', nowMs);
    return;
  }
  if (sender === registrarId) {
    ownIdentifierSeen(state, link, message, nowMs);
    return;
  }
  if (link.registrarId !== undefined && link.registrarId !== sender) {
    closeLink(state, link, 'changed its identifier', nowMs);
    return;
  }
  const peer =
    link.registrarId === undefined ? bindLink(state, link, message, nowMs) : scope.peers.get(sender);
  if (peer === undefined || !scope.links.has(link.id)) return;
  if (link.isDoubtful) {
    // It finds in the list who else has its identifier, and takes another.
    if (message.type === 'list-request') sendServerList(state, link);
    return;
  }
  heardFrom(state, peer, link, nowMs);
  if (receiver !== 0 && receiver !== state.registrarId && message.type !== 'presence') {
    counters.peerMessagesMisaddressed += 1;
    return;
  }
  dispatchEnrp(state, { peer, link }, message, nowMs);
}

/** A message that could not be decoded; one too many, and the association is closed. */
export function receiveMalformed(
  state: RegistrarState,
  link: PeerLink,
  report: ErrorCause | null,
  nowMs: number,
): void {
  state.counters.malformed += 1;
  link.malformed += 1;
  // Only who has made itself known is told anything.
  if (report !== null && link.registrarId !== undefined)
    sendOver(state, link, { type: 'error', causes: [shortened(report)] });
  if (link.malformed >= state.options.malformedMax)
    closeLink(state, link, 'too many malformed messages', nowMs);
}
