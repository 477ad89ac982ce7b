// SPDX-License-Identifier: Apache-2.0
import type { RegistrarTransport } from '../messages.ts';
import { connect } from '../peers/attempt.ts';
import { closeLink } from '../peers/close-link.ts';
import { sameEndpoint } from '../peers/endpoints.ts';
import type { PeerLink } from '../peers/peer.ts';
import { sendOver, sendPresence } from '../peers/send.ts';
import { forgetRemoteElements } from '../remote-elements.ts';
import type { RegistrarState } from '../state.ts';
import type { Join } from './join.ts';
import { failMentor } from './mentor-lost.ts';
import { becomeRunning } from './running.ts';

/** Begins with the mentor whose turn it is. */
export function askMentor(state: RegistrarState, join: Join, nowMs: number): void {
  const transport = join.mentors[join.index];
  if (transport === undefined) {
    becomeRunning(state, null, 'no mentor', nowMs);
    return;
  }
  join.turn += 1;
  join.failure = undefined;
  join.stage = 'connect';
  state.deadlines.set(join, 'join', nowMs + state.options.mentorDiscoveryTimeoutMs);
  const known = linkTo(state, transport);
  if (known !== undefined) {
    requestList(state, join, known, nowMs);
    return;
  }
  const { turn } = join;
  const isCurrent = (): boolean => state.scope.join === join && join.turn === turn;
  connect(
    state,
    transport,
    {
      protocol: 'enrp',
      wanted: undefined,
      opened(link, atMs) {
        if (isCurrent()) requestList(state, join, link, atMs);
        else sendPresence(state, link, true, atMs);
      },
      failed(reason, atMs) {
        if (!isCurrent()) return;
        // It may have connected to us meanwhile, and have but one association to us.
        const link = linkTo(state, transport);
        if (link === undefined) failMentor(state, join, reason, atMs);
        else requestList(state, join, link, atMs);
      },
    },
    nowMs,
  );
}

function linkTo(state: RegistrarState, transport: RegistrarTransport): PeerLink | undefined {
  for (const peer of state.scope.peers.values()) {
    if (peer.transport !== undefined && sameEndpoint(peer.transport, transport)) return peer.via;
  }
  return undefined;
}

/** The presence first: a mentor may refuse registrars that it does not know. */
function requestList(state: RegistrarState, join: Join, link: PeerLink, nowMs: number): void {
  join.link = link;
  join.stage = 'list';
  state.deadlines.set(join, 'join', nowMs + state.options.maxTimeNoResponseMs);
  sendPresence(state, link, true, nowMs);
  sendOver(state, link, { type: 'list-request' });
}

/** A mentor failed or did not answer in time, or the pause between two rounds is over. */
export function joinTimer(state: RegistrarState, join: Join, nowMs: number): void {
  if (state.scope.join !== join) return;
  if (join.failure !== undefined) nextMentor(state, join, join.failure, nowMs);
  else if (join.stage === 'pause' || join.stage === 'discover') askMentor(state, join, nowMs);
  else nextMentor(state, join, 'no answer', nowMs);
}

/** What this one told is forgotten: the next one begins from the beginning. */
function nextMentor(state: RegistrarState, join: Join, reason: string, nowMs: number): void {
  const { options, deadlines } = state;
  const mentor = join.mentors[join.index];
  if (mentor !== undefined) state.event({ type: 'event', event: 'mentor-failed', mentor, reason });
  const { link } = join;
  join.link = undefined;
  join.turn += 1;
  // Its table session, if one is open, ends with the association.
  if (link !== undefined && join.stage === 'table') closeLink(state, link, `mentor: ${reason}`, nowMs);
  forgetRemoteElements(state);
  join.index += 1;
  if (join.index < join.mentors.length) {
    askMentor(state, join, nowMs);
    return;
  }
  join.index = 0;
  join.rounds += 1;
  if (join.rounds >= options.mentorRoundsMax) {
    becomeRunning(state, null, 'no mentor would have us', nowMs);
    return;
  }
  join.stage = 'pause';
  join.failure = undefined;
  deadlines.set(join, 'join', nowMs + state.jittered(options.mentorRetryMs));
}
