// SPDX-License-Identifier: Apache-2.0
import { poolKey } from '../../handlespace/pool-key.ts';
import type { RegistrarState } from '../state.ts';

/** Elements of a pool came, changed or went: its subscribers hear of it in a moment, with what follows until then. */
export function poolChanged(state: RegistrarState, poolHandle: Uint8Array): void {
  const { subscriptions, deadlines, options, nowMs } = state;
  if (subscriptions.count === 0) return;
  const subscribers = subscriptions.pools.get(poolKey(poolHandle));
  if (subscribers === undefined || deadlines.get(subscribers, 'pool-update') !== undefined) return;
  deadlines.set(subscribers, 'pool-update', nowMs + options.updateDelayMs);
}
