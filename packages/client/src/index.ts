// SPDX-License-Identifier: Apache-2.0
export { type Credentials, CredentialsError } from '@vnfpool/runtime/certificates';
export {
  becomeMember,
  JoinError,
  type Joined,
  type JoinOptions,
  join,
  keepRenewed,
  type Membership,
  type MembershipOptions,
} from '@vnfpool/runtime/join';
export type { Policy, Transport } from '@vnfpool/wire/parameters';
export type { CallOptions, ClientOptions, PoolHandle } from './client-options.ts';
export { PoolElement, type PoolElementClientOptions, type PoolElementEvent } from './pool-element.ts';
export { PoolError, type PoolErrorCode } from './pool-error.ts';
export {
  type FoundElement,
  isNetworkError,
  PoolUser,
  type PoolUserClientOptions,
  type Resolution,
  type WithElementOptions,
} from './pool-user.ts';
