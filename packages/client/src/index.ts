// SPDX-License-Identifier: Apache-2.0
export type { RegistrarAddress } from '@vnfpool/core/registrar-hunt';
export type { ProfileName } from '@vnfpool/core/scope';
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
export { loadScopeSecurity, type ScopeSecurity, ScopeSecurityError } from '@vnfpool/runtime/scope-security';
export type { Policy, Transport } from '@vnfpool/wire/parameters';
export type { CallOptions, ClientOptions, PoolHandle } from './client-options.ts';
export type { DataTransports } from './client-scope.ts';
export { isNetworkError } from './connect-to.ts';
export {
  type CookieFault,
  type CookieSeal,
  type CookieSealOptions,
  cookieSeal,
  type SealedState,
} from './cookie-seal.ts';
export type { DeliverOptions, Delivery } from './deliver.ts';
export { type HandedCookieSealOptions, handedCookieSeal } from './handed-cookie-seal.ts';
export {
  type ListenAt,
  PoolElement,
  type PoolElementClientOptions,
  type PoolElementEvent,
} from './pool-element.ts';
export { PoolError, type PoolErrorCode } from './pool-error.ts';
export {
  type FoundElement,
  PoolUser,
  type PoolUserClientOptions,
  type Resolution,
  type ResolveOptions,
  type WithElementOptions,
} from './pool-user.ts';
export type { ServedSession, ServeOptions, SessionHandler } from './served-session.ts';
export { Session } from './session.ts';
export type { ReturnedMessage, SendOptions, SessionEvent, SessionOptions } from './session-options.ts';
export {
  chosenCount,
  type JsonValue,
  jsonValues,
  MergeableMap,
  type MergeableMapOptions,
  type MovableSessions,
  type MovableState,
  type Role,
  type SessionForward,
  SessionGate,
  SessionMovedError,
  type SessionNames,
  type SessionSelector,
  SharedMap,
  type SharedMapOptions,
  type SharedState,
  type SharedValues,
  StatefulFunction,
  type StatefulFunctionOptions,
  type StateKind,
  selectSessions,
  TrackedMap,
  type TrackedMapOptions,
  TrackedSessions,
  type TrackedSessionsOptions,
} from './stateful/index.ts';
