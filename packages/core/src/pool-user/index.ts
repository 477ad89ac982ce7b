// SPDX-License-Identifier: Apache-2.0
export {
  POOL_USER_DEFAULTS,
  type PoolUserInput,
  type PoolUserOptions,
  type PoolUserOutput,
} from './messages.ts';
export { PoolUserCore } from './pool-user-core.ts';
