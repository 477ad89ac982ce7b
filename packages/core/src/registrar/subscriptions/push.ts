// SPDX-License-Identifier: Apache-2.0
import { CAUSE, errorCause } from '@vnfpool/wire/parameters';
import { positive, remember } from '../answers.ts';
import type { RegistrarState } from '../state.ts';
import { unsubscribe } from './subscribe.ts';
import type { PoolSubscribers } from './subscribers.ts';

/**
 * Tells the subscribers of a pool what it holds now, all of them the same, in the order of its policy and up to the
 * most that an answer holds; that the pool is gone is told once.
 */
export function pushPool(state: RegistrarState, subscribers: PoolSubscribers): void {
  const { poolHandle, associations } = subscribers;
  const pool = state.handlespace.pool(poolHandle);
  const response = { type: 'handle-resolution-response', poolHandle } as const;
  state.counters.poolUpdatesSent += associations.size;
  if (pool === undefined) {
    const causes = [errorCause(CAUSE.unknownPoolHandle)];
    for (const association of associations) {
      unsubscribe(state, association, subscribers);
      state.send(association, { ...response, updatesAccepted: false, elements: [], causes });
    }
    return;
  }
  const elements = pool.select(state.options.itemsMax);
  const update = positive(pool, elements, true);
  for (const association of associations) {
    remember(association, pool, elements);
    state.send(association, update);
  }
}
