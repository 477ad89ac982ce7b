// SPDX-License-Identifier: Apache-2.0
import type { Presence } from '@vnfpool/wire/enrp';
import type { EnrpInput } from '../messages.ts';
import { sameEndpoint } from '../peers/endpoints.ts';
import { presenceCycle } from '../peers/presence-cycle.ts';
import type { RegistrarState } from '../state.ts';
import type { Join } from './join.ts';
import { askMentor } from './mentors.ts';
import { becomeRunning } from './running.ts';

/** Joins the scope by the first mentor that helps; without any mentor we begin it. @see RFC 5353 §3.2 */
export function start(
  state: RegistrarState,
  input: Extract<EnrpInput, { type: 'start' }>,
  nowMs: number,
): void {
  const { scope, options } = state;
  if (scope.server !== undefined) return;
  scope.server = input.server;
  scope.asap = input.asap;
  const mentors = input.mentors.filter((mentor) => !sameEndpoint(mentor, input.server));
  scope.mentors = mentors;
  if (mentors.length === 0 && !options.multicastPresence) {
    becomeRunning(state, null, 'first of its scope', nowMs);
    return;
  }
  const stage = mentors.length === 0 ? 'discover' : 'connect';
  const join: Join = { mentors, index: 0, rounds: 0, stage, turn: 0, link: undefined, failure: undefined };
  scope.phase = 'joining';
  scope.join = join;
  presenceCycle(state, nowMs);
  if (stage === 'discover')
    state.deadlines.set(join, 'join', nowMs + state.jittered(options.mentorDiscoveryTimeoutMs));
  else askMentor(state, join, nowMs);
}

/** The first multicast presence shows a mentor to who has none. */
export function discoverMentor(state: RegistrarState, message: Presence, nowMs: number): boolean {
  const { join, server } = state.scope;
  if (join?.stage !== 'discover' || message.server === undefined || server === undefined) return false;
  if (sameEndpoint(message.server.transport, server)) return false;
  join.mentors = [message.server.transport];
  askMentor(state, join, nowMs);
  return true;
}

/** No more presences, announcements, connects and takeovers. */
export function stop(state: RegistrarState): void {
  const { scope, deadlines } = state;
  scope.phase = 'stopped';
  deadlines.clearAll(scope);
  if (scope.join !== undefined) deadlines.clearAll(scope.join);
  scope.join = undefined;
  for (const attempt of scope.attempts.values()) deadlines.clearAll(attempt);
  scope.attempts.clear();
  for (const peer of scope.peers.values()) {
    deadlines.clearAll(peer);
    if (peer.takeover !== undefined) deadlines.clearAll(peer.takeover);
    if (peer.download !== undefined) deadlines.clearAll(peer.download);
    peer.takeover = undefined;
    peer.download = undefined;
  }
}
