// SPDX-License-Identifier: Apache-2.0
import type { Placed } from '../../handlespace/holding.ts';
import type { PeerLink } from '../peers/peer.ts';
import type { RegistrarState } from '../state.ts';

/** How far one peer has come in fetching a table of ours. @see RFC 5353 §3.2.3 */
export interface TableSession {
  readonly ownOnly: boolean;
  /** Live: what is added meanwhile comes yet, what is removed does not. */
  readonly rest: Iterator<Placed>;
  /** Taken from `rest`, and did not fit into the last part. */
  held: Placed | undefined;
}

export function openSession(state: RegistrarState, link: PeerLink, ownOnly: boolean): TableSession {
  endSession(state, link);
  const { handlespace, registrarId, scope } = state;
  const rest = ownOnly ? handlespace.owned(registrarId) : handlespace.elements();
  const session = { ownOnly, rest, held: undefined };
  link.session = session;
  scope.tableSessions += 1;
  return session;
}

export function endSession(state: RegistrarState, link: PeerLink): void {
  if (link.session === undefined) return;
  link.session = undefined;
  state.scope.tableSessions -= 1;
  state.deadlines.clear(link, 'table-session');
}
