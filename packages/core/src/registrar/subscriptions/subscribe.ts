// SPDX-License-Identifier: Apache-2.0
import type { Pool } from '../../handlespace/pool.ts';
import type { Association, RegistrarState } from '../state.ts';
import type { PoolSubscribers } from './subscribers.ts';

/** false: there are too many subscriptions already, of this association or of all. */
export function subscribe(state: RegistrarState, association: Association, pool: Pool): boolean {
  const { subscriptions, options } = state;
  const existing = subscriptions.pools.get(pool.key);
  if (existing?.associations.has(association) === true) return true;
  if (
    association.subscriptions.size >= options.subscriptionsPerAssociationMax ||
    subscriptions.count >= options.subscriptionsMax
  ) {
    state.counters.subscriptionsRefused += 1;
    return false;
  }
  const subscribers = existing ?? { key: pool.key, poolHandle: pool.handle, associations: new Set() };
  if (existing === undefined) subscriptions.pools.set(pool.key, subscribers);
  subscribers.associations.add(association);
  association.subscriptions.add(subscribers);
  subscriptions.count += 1;
  return true;
}

export function unsubscribe(
  state: RegistrarState,
  association: Association,
  subscribers: PoolSubscribers,
): void {
  if (!subscribers.associations.delete(association)) return;
  association.subscriptions.delete(subscribers);
  state.subscriptions.count -= 1;
  if (subscribers.associations.size > 0) return;
  state.subscriptions.pools.delete(subscribers.key);
  state.deadlines.clearAll(subscribers);
}

export function unsubscribeAll(state: RegistrarState, association: Association): void {
  for (const subscribers of association.subscriptions) unsubscribe(state, association, subscribers);
}
