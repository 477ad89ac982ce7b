// SPDX-License-Identifier: Apache-2.0
import { CAUSE, type ErrorCause, type UnrecognizedParameter } from '@vnfpool/wire/parameters';
import type { Core, Random } from '../core.ts';
import { removeElement } from './elements.ts';
import { dispatch } from './handlers/table.ts';
import type { RegistrarInput, RegistrarOutput } from './messages.ts';
import type { Authorize, RegistrarOptions } from './options.ts';
import { type RegistrarSnapshot, takeSnapshot } from './snapshot.ts';
import { type Association, RegistrarState } from './state.ts';
import { TIMERS } from './timers.ts';
import { TokenBucket } from './token-bucket.ts';

/** Octets of offending input that go back to its sender at most, so that an answer is never larger than a message. */
const REPORT_BYTES_MAX = 1024;
/** Unknown parameters of one message that are reported at most. */
const REPORTS_MAX = 16;

/**
 * A registrar: takes registrations, answers handle resolutions, watches its elements. Speaks ASAP over
 * associations that its driver opens and closes. A peer registrar's protocol (ENRP) would be a second table of
 * handlers on the same state, and hooks in `elements.ts`.
 * @see RFC 5352 §3
 */
export class Registrar implements Core<RegistrarInput, RegistrarOutput> {
  readonly #state: RegistrarState;

  /** `authorize` is asked for every registration over an authenticated association. */
  constructor(options: RegistrarOptions, random: Random, authorize: Authorize) {
    this.#state = new RegistrarState(options, random, authorize);
  }

  handle(input: RegistrarInput, nowMs: number): RegistrarOutput[] {
    if (input.type === 'association-opened') {
      this.#open(input, nowMs);
      return this.#state.drain();
    }
    if (!('association' in input)) return [];
    const association = this.#state.associations.get(input.association);
    // Input that was on its way when the association was closed.
    if (association === undefined) return [];
    switch (input.type) {
      case 'message':
        if (input.message.type !== 'error') this.#reportUnrecognized(association, input.unrecognized);
        dispatch(this.#state, association, input.message, nowMs);
        break;
      case 'malformed':
        this.#malformed(association, input.report);
        break;
      case 'association-closed':
        this.#closed(association, nowMs);
        break;
    }
    return this.#state.drain();
  }

  expire(nowMs: number): RegistrarOutput[] {
    const { deadlines } = this.#state;
    for (let due = deadlines.take(nowMs); due !== undefined; due = deadlines.take(nowMs)) {
      TIMERS[due.timer](this.#state, due.owner, nowMs);
    }
    return this.#state.drain();
  }

  nextDeadline(): number | undefined {
    return this.#state.deadlines.next();
  }

  snapshot(nowMs: number): RegistrarSnapshot {
    return takeSnapshot(this.#state, nowMs);
  }

  #open(input: Extract<RegistrarInput, { type: 'association-opened' }>, nowMs: number): void {
    const { options, associations, counters } = this.#state;
    const association: Association = {
      id: input.association,
      identity: input.identity,
      peer: input.peer,
      elements: new Set(),
      resolutions: new TokenBucket(options.resolutionRate, nowMs),
      reports: new TokenBucket(options.reportRate, nowMs),
      malformed: 0,
    };
    if (associations.size >= options.associationsMax) {
      counters.associationsRefused += 1;
      this.#state.close(association, 'too many associations');
      return;
    }
    associations.set(association.id, association);
  }

  #closed(association: Association, nowMs: number): void {
    this.#state.associations.delete(association.id);
    for (const owned of association.elements) {
      const { poolHandle, id: elementId } = owned;
      association.elements.delete(owned);
      owned.association = undefined;
      if (this.#state.options.associationGraceMs <= 0) {
        removeElement(this.#state, owned, 'association-lost');
        continue;
      }
      // There is no other way to it, so there is nothing to ask: it has this long to come back.
      this.#state.deadlines.clear(owned, 'keep-alive');
      this.#state.deadlines.clear(owned, 'keep-alive-answer');
      this.#state.deadlines.set(owned, 'grace', nowMs + this.#state.options.associationGraceMs);
      this.#state.event({
        type: 'event',
        event: 'element-detached',
        poolHandle,
        elementId,
        reason: 'association-lost',
      });
    }
  }

  #malformed(association: Association, report: ErrorCause | null): void {
    this.#state.counters.malformed += 1;
    association.malformed += 1;
    if (report !== null) this.#sendError(association, [report]);
    if (association.malformed >= this.#state.options.malformedMax) {
      this.#state.close(association, 'too many malformed messages');
    }
  }

  #reportUnrecognized(association: Association, unrecognized: readonly UnrecognizedParameter[]): void {
    this.#state.counters.unrecognized += unrecognized.length;
    const causes = unrecognized
      .filter((parameter) => parameter.report)
      .slice(0, REPORTS_MAX)
      .map((parameter) => ({ code: CAUSE.unrecognizedParameter, info: parameter.whole }));
    if (causes.length > 0) this.#sendError(association, causes);
  }

  #sendError(association: Association, causes: readonly ErrorCause[]): void {
    const short = causes.map(({ code, info }) => ({ code, info: info.slice(0, REPORT_BYTES_MAX) }));
    this.#state.send(association, { type: 'error', causes: short });
  }
}
