// SPDX-License-Identifier: Apache-2.0
export type { ChecksumRule } from './checksum.ts';
export { Handlespace, type HandlespaceOptions, type Refusal, type SetResult } from './handlespace.ts';
export type { Placed } from './holding.ts';
export { HANDLESPACE_LIMITS, type HandlespaceLimits } from './limits.ts';
export { drawingSelector } from './policies/drawing.ts';
export { rankedSelector, steppedSelector } from './policies/ranked.ts';
export type { Candidate, SelectionPolicy, Selector, SelectorFactory } from './policies/selector.ts';
export {
  type CustomPolicy,
  POLICIES,
  type PolicyTable,
  policyTable,
} from './policies/table.ts';
export { uniformSelector } from './policies/uniform.ts';
export { type Mismatch, Pool } from './pool.ts';
export { type PoolKey, poolKey, poolName } from './pool-key.ts';
