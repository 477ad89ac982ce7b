// SPDX-License-Identifier: Apache-2.0
import type { Core, Random } from '../core.ts';
import { announcementHeard } from './announcing/announce.ts';
import { closedAssociation, malformedMessage, openAssociation, reportUnrecognized } from './associations.ts';
import { dispatch } from './handlers/table.ts';
import { start, stop } from './joining/start.ts';
import type { RegistrarInput, RegistrarOutput } from './messages.ts';
import type { Authorize, RegistrarOptions } from './options.ts';
import { attemptFailed } from './peers/attempt.ts';
import { forgetLink } from './peers/close-link.ts';
import { presenceHeard } from './peers/hints.ts';
import { openLink } from './peers/links.ts';
import { receive, receiveMalformed } from './peers/receive.ts';
import { type RegistrarSnapshot, takeSnapshot } from './snapshot.ts';
import { RegistrarState } from './state.ts';
import { runTimers } from './timers.ts';

/**
 * A registrar: takes registrations, answers handle resolutions, watches its elements, and shares the handlespace
 * with the other registrars of its scope. Speaks ASAP and ENRP over associations that its driver opens and closes;
 * each protocol has a table of handlers, both work on one state.
 * @see RFC 5352 §3, RFC 5353 §3
 */
export class Registrar implements Core<RegistrarInput, RegistrarOutput> {
  readonly #state: RegistrarState;

  /** `authorize` is asked for every registration over an authenticated association. */
  constructor(options: RegistrarOptions, random: Random, authorize: Authorize) {
    this.#state = new RegistrarState(options, random, authorize);
  }

  handle(input: RegistrarInput, atMs: number): RegistrarOutput[] {
    const state = this.#state;
    const nowMs = this.#clock(atMs);
    switch (input.type) {
      case 'association-opened':
        openAssociation(state, input, nowMs);
        break;
      case 'message':
      case 'malformed':
      case 'association-closed':
        this.#fromAssociation(input, nowMs);
        break;
      case 'start':
        start(state, input, nowMs);
        break;
      case 'stop':
        stop(state);
        break;
      case 'peer-opened':
        openLink(state, input, nowMs);
        break;
      case 'peer-message':
      case 'peer-malformed':
      case 'peer-closed':
        this.#fromPeer(input, nowMs);
        break;
      case 'connect-failed':
        attemptFailed(state, input.attempt, input.reason, nowMs);
        break;
      case 'announcement-heard':
        announcementHeard(state, input.message, nowMs);
        break;
      case 'presence-heard':
        presenceHeard(state, input.message, nowMs);
        break;
      case 'round-trip':
        this.#roundTrip(input.association, input.ms);
        break;
    }
    return state.drain();
  }

  expire(atMs: number): RegistrarOutput[] {
    runTimers(this.#state, this.#clock(atMs));
    return this.#state.drain();
  }

  nextDeadline(): number | undefined {
    return this.#state.deadlines.next();
  }

  snapshot(nowMs: number): RegistrarSnapshot {
    return takeSnapshot(this.#state, nowMs);
  }

  #fromAssociation(
    input: Extract<RegistrarInput, { type: 'message' | 'malformed' | 'association-closed' }>,
    nowMs: number,
  ): void {
    const state = this.#state;
    const association = state.associations.get(input.association);
    // Input that was on its way when the association was closed.
    if (association === undefined) return;
    switch (input.type) {
      case 'message':
        association.lastHeardMs = nowMs;
        if (input.message.type !== 'error') reportUnrecognized(state, association, input.unrecognized);
        dispatch(state, association, input.message, nowMs);
        break;
      case 'malformed':
        malformedMessage(state, association, input.report, nowMs);
        break;
      case 'association-closed':
        closedAssociation(state, association, nowMs);
        break;
    }
  }

  #fromPeer(
    input: Extract<RegistrarInput, { type: 'peer-message' | 'peer-malformed' | 'peer-closed' }>,
    nowMs: number,
  ): void {
    const state = this.#state;
    const link = state.scope.links.get(input.association);
    if (link === undefined) return;
    switch (input.type) {
      case 'peer-message':
        receive(state, link, input.message, input.unrecognized, nowMs);
        break;
      case 'peer-malformed':
        receiveMalformed(state, link, input.report, nowMs);
        break;
      case 'peer-closed':
        forgetLink(state, link, 'association lost', nowMs);
        break;
    }
  }

  #roundTrip(id: number, ms: number): void {
    const association = this.#state.associations.get(id) ?? this.#state.scope.links.get(id);
    if (association === undefined || !(ms >= 0)) return;
    association.rttMs = ms;
    association.rttIsTransports = true;
  }

  /** A clock that goes back stands still: no deadline is missed, and none comes early. */
  #clock(atMs: number): number {
    this.#state.nowMs = Math.max(this.#state.nowMs, atMs);
    return this.#state.nowMs;
  }
}
