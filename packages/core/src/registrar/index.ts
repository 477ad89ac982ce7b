// SPDX-License-Identifier: Apache-2.0

export type { RegistrarCounters } from './counters.ts';
export type {
  AssociationId,
  ConnectAttempt,
  EnrpInput,
  EnrpOutput,
  Peer,
  RegistrarEvent,
  RegistrarInput,
  RegistrarOutput,
  RegistrarTransport,
  RegistrationRefusal,
  RemovalReason,
  ScopeEvent,
} from './messages.ts';
export {
  type Authorize,
  type Identity,
  profileOptions,
  REGISTRAR_DEFAULTS,
  type RegistrarOptions,
} from './options.ts';
export { Registrar } from './registrar.ts';
export type { ElementSnapshot, PeerSnapshot, PoolSnapshot, RegistrarSnapshot } from './snapshot.ts';
export type { RateLimit } from './token-bucket.ts';
