// SPDX-License-Identifier: Apache-2.0
import type { HandleResolution } from '@vnfpool/wire/asap';
import { CAUSE, errorCause, type PoolElement } from '@vnfpool/wire/parameters';
import type { Handler } from './handler.ts';

/**
 * Answers with elements that the pool's policy chooses. Updates (the S bit) are not offered. The policy is always
 * told, also round robin: some pool users need it.
 * @see RFC 5352 §3.3
 */
export const handleResolution: Handler<HandleResolution> = (state, association, message, nowMs) => {
  const { poolHandle } = message;
  const { itemsDefault, itemsMax } = state.options;
  const response = { type: 'handle-resolution-response', updatesAccepted: false, poolHandle } as const;
  if (!association.resolutions.take(nowMs)) {
    state.counters.resolutionsLimited += 1;
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
  state.send(association, { ...response, policy: pool.policy, elements, causes: [] });
};

/** The ASAP transport is the registrars' business. */
function withoutAsapTransport(element: PoolElement): PoolElement {
  const { id, homeRegistrar, registrationLife, userTransport, policy } = element;
  return { id, homeRegistrar, registrationLife, userTransport, policy };
}
