// SPDX-License-Identifier: Apache-2.0
import type { HandleResolution, HandleResolutionResponse } from '@vnfpool/wire/asap';
import { CAUSE, errorCause } from '@vnfpool/wire/parameters';
import { positive, remember } from '../answers.ts';
import { withinLimits } from '../rate-limits.ts';
import { subscribe } from '../subscriptions/subscribe.ts';
import type { Handler } from './handler.ts';

/**
 * Answers with elements that the pool's policy chooses; with S, later changes follow unasked. The policy is always
 * told, also round robin: some pool users need it. A negative answer sets up nothing.
 * @see RFC 5352 §3.3, §2.2.5
 */
export const handleResolution: Handler<HandleResolution> = (state, association, message, nowMs) => {
  const { poolHandle, items: wanted = 0 } = message;
  const { itemsDefault, itemsMax } = state.options;
  if (!withinLimits(state, association, 'resolutions', nowMs)) {
    state.counters.resolutionsLimited += 1;
    state.send(association, negative(poolHandle, CAUSE.lackOfResources));
    return;
  }
  state.counters.resolutions += 1;
  const pool = state.handlespace.pool(poolHandle);
  if (pool === undefined) {
    state.counters.resolutionsNegative += 1;
    state.send(association, negative(poolHandle, CAUSE.unknownPoolHandle));
    return;
  }
  const elements = pool.select(Math.min(wanted === 0 ? itemsDefault : wanted, itemsMax));
  const updatesAccepted = message.sendUpdates && subscribe(state, association, pool);
  remember(association, pool, elements);
  state.send(association, positive(pool, elements, updatesAccepted));
};

function negative(poolHandle: Uint8Array, cause: number): HandleResolutionResponse {
  return {
    type: 'handle-resolution-response',
    updatesAccepted: false,
    poolHandle,
    elements: [],
    causes: [errorCause(cause)],
  };
}
