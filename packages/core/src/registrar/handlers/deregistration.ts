// SPDX-License-Identifier: Apache-2.0
import type { Deregistration } from '@vnfpool/wire/asap';
import { CAUSE, errorCause } from '@vnfpool/wire/parameters';
import { removeElement } from '../elements.ts';
import { actsFor } from './acts-for.ts';
import type { Handler } from './handler.ts';

/** Takes an element out of its pool; only it may ask. One that is not there counts as taken out. @see RFC 5352 §3.2 */
export const handleDeregistration: Handler<Deregistration> = (state, association, message) => {
  const { poolHandle, elementId } = message;
  if (state.scope.phase !== 'running') {
    // We do not know yet whether it is registered: another registrar can tell.
    state.send(association, {
      type: 'deregistration-response',
      poolHandle,
      elementId,
      causes: [errorCause(CAUSE.lackOfResources)],
    });
    return;
  }
  const owned = state.owned.get(poolHandle, elementId);
  const response = { type: 'deregistration-response', poolHandle, elementId } as const;
  if (owned !== undefined && !actsFor(association, owned)) {
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
  const isOvertaken = owned?.association !== undefined && owned.association.id > association.id;
  if (owned !== undefined && !isOvertaken) removeElement(state, owned, 'deregistered');
  state.counters.deregistrations += 1;
  state.send(association, { ...response, causes: [] });
};
