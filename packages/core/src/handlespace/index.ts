// SPDX-License-Identifier: Apache-2.0
export {
  HANDLESPACE_LIMITS,
  Handlespace,
  type HandlespaceLimits,
  type Refusal,
  type SetResult,
} from './handlespace.ts';
export type { Selector, SelectorFactory } from './policies/selector.ts';
export { selectorFor } from './policies/table.ts';
export { type Mismatch, Pool } from './pool.ts';
export { type PoolKey, poolKey, poolName } from './pool-key.ts';
