// SPDX-License-Identifier: Apache-2.0
import type { Deregistration } from '@vnfpool/wire/asap';
import { CAUSE, errorCause } from '@vnfpool/wire/parameters';
import { removeElement } from '../elements.ts';
import { withinLimits } from '../rate-limits.ts';
import { actsFor } from './acts-for.ts';
import type { Handler } from './handler.ts';

/** Takes an element out of its pool; only it may ask. One that is not there counts as taken out. @see RFC 5352 §3.2 */
export const handleDeregistration: Handler<Deregistration> = (state, association, message, nowMs) => {
  const { poolHandle, elementId } = message;
  const response = { type: 'deregistration-response', poolHandle, elementId } as const;
  if (!withinLimits(state, association, 'registrations', nowMs)) {
    state.counters.registrationsLimited += 1;
    state.send(association, { ...response, causes: [errorCause(CAUSE.lackOfResources)] });
    return;
  }
  const owned = state.owned.get(poolHandle, elementId);
  if (owned !== undefined && !actsFor(state, association, owned)) {
    state.send(association, { ...response, causes: [errorCause(CAUSE.security)] });
    state.event({
      type: 'event',
      event: 'deregistration-refused',
      poolHandle,
      elementId,
      reason: 'not-its-own',
    });
    return;
  }
  // It registered again over a later association, and this was overtaken on the way: what it ends is over already.
  const isOvertaken = (owned?.registeredOver?.id ?? 0) > association.id;
  if (owned !== undefined && !isOvertaken) removeElement(state, owned, 'deregistered');
  state.counters.deregistrations += 1;
  state.send(association, { ...response, causes: [] });
};
