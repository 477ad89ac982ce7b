// SPDX-License-Identifier: Apache-2.0
import type { RegistrarState } from '../state.ts';
import { presenceOf, sendToAll } from './send.ts';

/** A presence to every peer, each PEER-HEARTBEAT-CYCLE. @see RFC 5353 §3.4 */
export function presenceCycle(state: RegistrarState, nowMs: number): void {
  const { options, scope, deadlines, counters } = state;
  deadlines.set(scope, 'presence', nowMs + state.jittered(options.peerHeartbeatCycleMs));
  tellPresence(state);
  if (!options.multicastPresence) return;
  counters.presencesSent += 1;
  const message = { ...presenceOf(state, false), sender: state.registrarId, receiver: 0 } as const;
  state.output({ type: 'presence-multicast', message });
}

/** A presence to every peer now. */
export function tellPresence(state: RegistrarState): void {
  state.counters.presencesSent += sendToAll(state, presenceOf(state, false));
}
