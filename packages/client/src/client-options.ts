// SPDX-License-Identifier: Apache-2.0
import { asapTls, type LinkInput, RegistrarLinks } from '@vnfpool/runtime/asap';
import { type Credentials, checkCredentials } from '@vnfpool/runtime/certificates';

/** Octets, or text that becomes UTF-8. */
export type PoolHandle = string | Uint8Array;

/** What user and element need to talk to registrars. */
export interface ClientOptions {
  /** Registrars of one set, tried in turn. At least one. */
  readonly registrars: readonly { readonly host: string; readonly port: number }[];
  /** From `join`. */
  readonly credentials: Credentials;
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

/** @throws CredentialsError when the credentials are not good now */
export function registrarLinks(options: ClientOptions, submit: (input: LinkInput) => void): RegistrarLinks {
  const { credentials, onTrouble } = options;
  const { domain } = checkCredentials(credentials, Date.now());
  const transport = asapTls({ credentials, domain });
  return new RegistrarLinks({ transport, submit, ...(onTrouble === undefined ? {} : { onTrouble }) });
}

export function octetsOf(handle: PoolHandle): Uint8Array {
  return typeof handle === 'string' ? new TextEncoder().encode(handle) : handle;
}
