// SPDX-License-Identifier: Apache-2.0
export {
  POOL_ELEMENT_DEFAULTS,
  type PoolElementEvent,
  type PoolElementInput,
  type PoolElementOptions,
  type PoolElementOutput,
} from './messages.ts';
export { PoolElementCore } from './pool-element-core.ts';
