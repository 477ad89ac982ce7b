// SPDX-License-Identifier: Apache-2.0
import { suspectPeer } from '../peers/liveness.ts';
import type { RegistrarState } from '../state.ts';
import { takeoverEvent } from './end.ts';
import type { Takeover } from './takeover.ts';
import { winTakeover } from './win.ts';

/**
 * Not all have acknowledged in time. Those that are known to be dead or about to be are not waited for; the
 * others are asked whether they live, and all begins again after a pause that differs from that of a rival.
 */
export function acksOverdue(state: RegistrarState, takeover: Takeover, nowMs: number): void {
  const { scope, options, deadlines, random, registrarId } = state;
  const { target, waiting } = takeover;
  if (target.takeover !== takeover) return;
  for (const peer of waiting) {
    if (scope.peers.get(peer.id) !== peer || peer.state !== 'active') waiting.delete(peer);
  }
  if (waiting.size === 0) {
    winTakeover(state, takeover, nowMs);
    return;
  }
  for (const peer of waiting) suspectPeer(state, peer, 'no acknowledgement', nowMs);
  takeoverEvent(state, 'takeover-repeated', target.id, registrarId, `${waiting.size} did not acknowledge`);
  deadlines.set(takeover, 'takeover-restart', nowMs + options.takeoverRestartMs * random.fraction());
}
