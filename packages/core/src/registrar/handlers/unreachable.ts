// SPDX-License-Identifier: Apache-2.0
import type { EndpointUnreachable } from '@vnfpool/wire/asap';
import { wasTold } from '../answers.ts';
import { removeElement } from '../elements.ts';
import { askAlive } from '../keep-alive.ts';
import { sourceKey } from '../owner.ts';
import { sameEndpoint } from '../peers/endpoints.ts';
import { withinLimits } from '../rate-limits.ts';
import type { Association, OwnedElement, RegistrarState } from '../state.ts';
import type { Handler } from './handler.ts';

/** Reporters remembered per element; of more, the reports lead to a keep-alive but do not count. */
export const REPORTERS_MAX: number = 64;

/**
 * Somebody could not reach an element: ask it at once, and remove it when there were too many reports although
 * it answers us.
 * @see RFC 5352 §3.5
 */
export const handleUnreachable: Handler<EndpointUnreachable> = (state, association, message, nowMs) => {
  const { poolHandle, elementId } = message;
  if (!withinLimits(state, association, 'reports', nowMs)) {
    state.counters.reportsLimited += 1;
    return;
  }
  state.counters.reports += 1;
  const owned = state.owned.get(poolHandle, elementId);
  if (owned === undefined) {
    passOn(state, poolHandle, elementId);
    return;
  }
  if (counts(state, association, owned, nowMs)) owned.badReports += 1;
  const { badReports } = owned;
  const reason = `reported by ${association.identity?.name ?? association.peer.addresses[0] ?? 'an unknown peer'}`;
  state.event({ type: 'event', event: 'element-reported', poolHandle, elementId, reason, badReports });
  if (badReports > state.options.badReportsMax) removeReported(state, owned);
  else askAlive(state, owned, nowMs);
};

/** It may live, and reach us well: it hears that it is out, and may register again. */
function removeReported(state: RegistrarState, owned: OwnedElement): void {
  const { association, poolHandle, id: elementId } = owned;
  removeElement(state, owned, 'reported-unreachable');
  if (association === undefined) return;
  state.send(association, { type: 'deregistration-response', poolHandle, elementId, causes: [] });
}

/**
 * An element of another registrar is that one's business: we remove nothing. Where we have an association to its
 * ASAP endpoint we ask over it, so that an element that is there, or a connection that is not, shows itself.
 */
function passOn(state: RegistrarState, poolHandle: Uint8Array, elementId: number): void {
  const endpoint = state.handlespace.pool(poolHandle)?.get(elementId)?.asapTransport;
  if (endpoint === undefined) return;
  for (const association of state.associations.values()) {
    const { asapTransport } = association.peer;
    if (asapTransport === undefined || !sameEndpoint(asapTransport, endpoint)) continue;
    const { registrarId } = state;
    state.counters.keepAlivesSent += 1;
    const keepAlive = { becomeHome: false, registrarId, poolHandle, elementId } as const;
    state.send(association, { type: 'endpoint-keep-alive', ...keepAlive });
    return;
  }
}

/**
 * One reporter alone cannot remove an element faster than one report per spacing, and only who heard of the element
 * from us can have tried to reach it.
 */
function counts(
  state: RegistrarState,
  association: Association,
  owned: OwnedElement,
  nowMs: number,
): boolean {
  // Where members have identities, whoever has none leads to a question and no more. @see RFC 5355 §2.15
  if (association.identity === null && !state.options.openRegistration) return false;
  if (!wasTold(state, association, owned)) return false;
  const reporter = sourceKey(association);
  for (const [name, atMs] of owned.reporters) {
    if (nowMs - atMs >= state.options.badReportSpacingMs) owned.reporters.delete(name);
  }
  if (owned.reporters.has(reporter) || owned.reporters.size >= REPORTERS_MAX) return false;
  owned.reporters.set(reporter, nowMs);
  return true;
}
