// SPDX-License-Identifier: Apache-2.0
import type { PeerRegistrar } from '../peers/peer.ts';
import { tellPresence } from '../peers/presence-cycle.ts';
import { sendTo } from '../peers/send.ts';
import type { RegistrarState } from '../state.ts';
import { endTakeover, takeoverEvent } from './end.ts';

/** Somebody wants to take a registrar over. @see RFC 5353 §3.5.1 */
export function takeoverInitiated(
  state: RegistrarState,
  initiator: PeerRegistrar,
  targetId: number,
  nowMs: number,
): void {
  const { scope, deadlines, options, counters } = state;
  if (targetId === state.registrarId) {
    // We live: everybody must hear it before it is too late.
    takeoverEvent(state, 'takeover-off', targetId, initiator.id, 'it is us, and we live');
    tellPresence(state);
    return;
  }
  const target = scope.peers.get(targetId);
  if (target?.takeover !== undefined) {
    if (!prevails(state, initiator.id)) return;
    endTakeover(state, target.takeover);
    counters.takeoversLost += 1;
    takeoverEvent(
      state,
      'takeover-lost',
      targetId,
      initiator.id,
      `${options.arbitration} identifier goes on`,
    );
  }
  if (target !== undefined && target !== initiator) {
    target.state = 'inactive';
    deadlines.clear(target, 'peer-answer');
    // The initiator may die as well: then the target is looked at again.
    deadlines.set(target, 'peer-inactive', nowMs + options.maxTimeNoResponseMs);
  }
  sendTo(state, initiator, { type: 'init-takeover-ack', target: targetId });
}

/** Of two that take over the same registrar one goes on; every registrar of the scope decides alike. */
function prevails(state: RegistrarState, rival: number): boolean {
  return state.options.arbitration === 'highest' ? rival > state.registrarId : rival < state.registrarId;
}
