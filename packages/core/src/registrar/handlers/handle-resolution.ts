// SPDX-License-Identifier: Apache-2.0
import type { HandleResolution } from '@vnfpool/wire/asap';
import { CAUSE, errorCause } from '@vnfpool/wire/parameters';
import { remember, withoutAsapTransport } from '../answers.ts';
import { withinLimits } from '../rate-limits.ts';
import { subscribe } from '../subscriptions/subscribe.ts';
import type { Handler } from './handler.ts';

/**
 * Answers with elements that the pool's policy chooses; with S, later changes follow unasked. The policy is always
 * told, also round robin: some pool users need it. A negative answer sets up nothing.
 * @see RFC 5352 §3.3, §2.2.5
 */
export const handleResolution: Handler<HandleResolution> = (state, association, message, nowMs) => {
  const { poolHandle } = message;
  const { itemsDefault, itemsMax } = state.options;
  const response = { type: 'handle-resolution-response', updatesAccepted: false, poolHandle } as const;
  const isLimited = !withinLimits(state, association, 'resolutions', nowMs);
  if (isLimited) state.counters.resolutionsLimited += 1;
  // While we are learning the handlespace, that a pool is unknown to us means nothing.
  if (isLimited || state.scope.phase !== 'running') {
    state.send(association, { ...response, elements: [], causes: [errorCause(CAUSE.lackOfResources)] });
    return;
  }
  state.counters.resolutions += 1;
  const pool = state.handlespace.pool(poolHandle);
  if (pool === undefined) {
    state.counters.resolutionsNegative += 1;
    state.send(association, { ...response, elements: [], causes: [errorCause(CAUSE.unknownPoolHandle)] });
    return;
  }
  const items = Math.min(
    message.items === undefined || message.items === 0 ? itemsDefault : message.items,
    itemsMax,
  );
  const elements = pool.select(items).map(withoutAsapTransport);
  const updatesAccepted = message.sendUpdates && subscribe(state, association, pool);
  remember(association, poolHandle, elements);
  state.send(association, { ...response, updatesAccepted, policy: pool.policy, elements, causes: [] });
};
