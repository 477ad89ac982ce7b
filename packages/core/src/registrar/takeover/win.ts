// SPDX-License-Identifier: Apache-2.0
import { takeElement } from '../elements.ts';
import { removePeer } from '../peers/peer-list.ts';
import { sendToAll } from '../peers/send.ts';
import type { RegistrarState } from '../state.ts';
import { adopt } from './adoption.ts';
import { endTakeover, takeoverEvent } from './end.ts';
import type { Takeover } from './takeover.ts';

/** All agree: the target's elements are ours, and are asked to accept us as their home. @see RFC 5353 §3.5.2 */
export function winTakeover(state: RegistrarState, takeover: Takeover, nowMs: number): void {
  const { target } = takeover;
  endTakeover(state, takeover);
  // To the target too, in case that it was only away.
  sendToAll(state, { type: 'takeover-server', target: target.id });
  state.counters.takeoversWon += 1;
  removePeer(state, target, 'taken over by us', nowMs);
  const moved = state.handlespace.transfer(target.id, state.registrarId);
  takeoverEvent(state, 'takeover-won', target.id, state.registrarId, `${moved.length} elements`);
  for (const { pool, element } of moved) {
    adopt(state, takeElement(state, pool.handle, element.id, target.id, nowMs), element.asapTransport, nowMs);
  }
}
