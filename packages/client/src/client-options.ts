// SPDX-License-Identifier: Apache-2.0
import type { RegistrarAddress } from '@vnfpool/core/registrar-hunt';
import type { ProfileName } from '@vnfpool/core/scope';
import type { Credentials } from '@vnfpool/runtime/certificates';
import type { ScopeSecurity } from '@vnfpool/runtime/scope-security';
import type { DataTransports } from './client-scope.ts';

/** Octets, or text that becomes UTF-8. */
export type PoolHandle = string | Uint8Array;

/** What user and element need to talk to registrars. */
export interface ClientOptions {
  /** Registrars of one scope, up to three tried at once. May be missing where `announcements` are heard. */
  readonly registrars?: readonly RegistrarAddress[];
  /** From `join`: short for the security of a set. */
  readonly credentials?: Credentials;
  /** How the members of the scope know each other; `open`: not at all, for closed networks. Else `credentials`. */
  readonly security?: 'open' | ScopeSecurity;
  /** What all of the scope agree on: timers, units. Default `rfc`. */
  readonly profile?: ProfileName;
  /** Also hear registrars that announce themselves by multicast; true: in the profile's group. Default false. */
  readonly announcements?:
    | boolean
    | { readonly group: string; readonly port: number; readonly interface?: string };
  /** Transports of sessions. Default: secured as the scope is. `plain`: not secured, whatever the scope is. */
  readonly data?: 'plain' | DataTransports;
  /** A connection that failed or ended, for logs. */
  readonly onTrouble?: (trouble: { readonly registrar: string; readonly reason: string }) => void;
}

/** Bounds of one call. */
export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Default 30 s. */
  readonly timeoutMs?: number;
}

export const defaultTimeoutMs = 30_000;

export function octetsOf(text: string | Uint8Array): Uint8Array {
  return typeof text === 'string' ? new TextEncoder().encode(text) : text;
}
