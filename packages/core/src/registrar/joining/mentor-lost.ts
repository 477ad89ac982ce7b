// SPDX-License-Identifier: Apache-2.0
import type { PeerLink } from '../peers/peer.ts';
import type { RegistrarState } from '../state.ts';
import type { Join } from './join.ts';

/** The mentor's association is gone: on to the next one. */
export function mentorLost(state: RegistrarState, link: PeerLink, reason: string, nowMs: number): void {
  const { join } = state.scope;
  if (join?.link !== link) return;
  join.link = undefined;
  failMentor(state, join, reason, nowMs);
}

/** Leaves this mentor, as soon as the input at hand is dealt with. */
export function failMentor(state: RegistrarState, join: Join, reason: string, nowMs: number): void {
  join.failure ??= reason;
  state.deadlines.set(join, 'join', nowMs);
}
