// SPDX-License-Identifier: Apache-2.0
export type {
  AssociationId,
  Peer,
  RegistrarEvent,
  RegistrarInput,
  RegistrarOutput,
  RegistrationRefusal,
  RemovalReason,
} from './messages.ts';
export { type Authorize, type Identity, REGISTRAR_DEFAULTS, type RegistrarOptions } from './options.ts';
export { Registrar } from './registrar.ts';
export type { ElementSnapshot, PoolSnapshot, RegistrarSnapshot } from './snapshot.ts';
export type { RegistrarCounters } from './state.ts';
export type { RateLimit } from './token-bucket.ts';
