// SPDX-License-Identifier: Apache-2.0
import type { PoolKey } from '../../handlespace/pool-key.ts';
import type { Association } from '../state.ts';

/** Who wants to hear of a pool's changes. */
export interface PoolSubscribers {
  readonly key: PoolKey;
  readonly poolHandle: Uint8Array;
  readonly associations: Set<Association>;
}

/** All subscriptions to pools. @see RFC 5352 §2.2.5 */
export class Subscriptions {
  readonly pools: Map<PoolKey, PoolSubscribers> = new Map<PoolKey, PoolSubscribers>();
  /** Of all pools together. */
  count = 0;
}
