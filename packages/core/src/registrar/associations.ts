// SPDX-License-Identifier: Apache-2.0
import type { ErrorCause, UnrecognizedParameter } from '@vnfpool/wire/parameters';
import { removeElement } from './elements.ts';
import { makeRoom } from './make-room.ts';
import type { RegistrarInput } from './messages.ts';
import { sourceKey } from './owner.ts';
import { takeAttempt } from './peers/attempt.ts';
import { closeLimits, openLimits } from './rate-limits.ts';
import { fallBack, leave } from './reach.ts';
import { reportable, shortened } from './reports.ts';
import type { Association, RegistrarState } from './state.ts';
import { unsubscribeAll } from './subscriptions/subscribe.ts';

/** An ASAP association is up: somebody came, or an endpoint that we asked for is there. */
export function openAssociation(
  state: RegistrarState,
  input: Extract<RegistrarInput, { type: 'association-opened' }>,
  nowMs: number,
): void {
  const { associations, counters } = state;
  const { association: id, identity } = input;
  const attempt = takeAttempt(state, input.attempt, 'asap');
  // What we connected to is where it is reached, also when it registers over this association later.
  const peer = attempt === undefined ? input.peer : { asapTransport: attempt.transport, ...input.peer };
  const source = sourceKey({ identity, peer });
  const refusal = makeRoom(state, source, nowMs, (association, reason) =>
    closeAssociation(state, association, reason, nowMs),
  );
  if (refusal !== undefined) {
    counters.associationsRefused += 1;
    state.close({ id }, refusal);
    attempt?.failed(refusal, nowMs);
    return;
  }
  const association: Association = {
    id,
    identity,
    peer,
    elements: new Set(),
    ...openLimits(state, source, nowMs),
    subscriptions: new Set(),
    told: new Set(),
    malformed: 0,
    lastHeardMs: nowMs,
    rttMs: undefined,
    rttIsTransports: false,
  };
  associations.set(id, association);
  attempt?.opened(association, nowMs);
}

/** Closes an association; it is forgotten at once, whatever the driver still tells of it. */
export function closeAssociation(
  state: RegistrarState,
  association: Association,
  reason: string,
  nowMs: number,
): void {
  state.close(association, reason);
  closedAssociation(state, association, nowMs);
}

/** Elements that are not reached over another one have some time to come back. */
export function closedAssociation(state: RegistrarState, association: Association, nowMs: number): void {
  const { associations, options, deadlines } = state;
  associations.delete(association.id);
  closeLimits(state, association);
  unsubscribeAll(state, association);
  for (const owned of association.elements) {
    const { poolHandle, id: elementId } = owned;
    const wasThere = owned.association === association;
    leave(owned, association);
    if (!wasThere || fallBack(state, owned, nowMs)) continue;
    if (options.associationGraceMs <= 0) {
      removeElement(state, owned, 'association-lost');
      continue;
    }
    // There is no other way to it, so there is nothing to ask: it has this long to come back.
    deadlines.clear(owned, 'keep-alive');
    deadlines.clear(owned, 'keep-alive-answer');
    deadlines.set(owned, 'grace', nowMs + options.associationGraceMs);
    const reason = 'association-lost';
    state.event({ type: 'event', event: 'element-detached', poolHandle, elementId, reason });
  }
}

/** A message that could not be decoded; one too many, and the association is closed. */
export function malformedMessage(
  state: RegistrarState,
  association: Association,
  report: ErrorCause | null,
  nowMs: number,
): void {
  state.counters.malformed += 1;
  association.malformed += 1;
  if (report !== null) state.send(association, { type: 'error', causes: [shortened(report)] });
  if (association.malformed >= state.options.malformedMax)
    closeAssociation(state, association, 'too many malformed messages', nowMs);
}

export function reportUnrecognized(
  state: RegistrarState,
  association: Association,
  unrecognized: readonly UnrecognizedParameter[],
): void {
  state.counters.unrecognized += unrecognized.length;
  const causes = reportable(unrecognized);
  if (causes.length > 0) state.send(association, { type: 'error', causes });
}
