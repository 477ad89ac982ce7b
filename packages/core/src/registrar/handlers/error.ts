// SPDX-License-Identifier: Apache-2.0
import type { AsapError } from '@vnfpool/wire/asap';
import { describeCause } from '@vnfpool/wire/parameters';
import { withinLimits } from '../rate-limits.ts';
import type { Handler } from './handler.ts';

/** A peer did not understand us. It is told to people, and never answered. */
export const handleError: Handler<AsapError> = (state, association, message, nowMs) => {
  if (!withinLimits(state, association, 'unasked', nowMs)) {
    state.counters.unexpected += 1;
    return;
  }
  const reason = message.causes.map(describeCause).join(', ');
  state.event({ type: 'event', event: 'peer-error', association: association.id, reason });
};
