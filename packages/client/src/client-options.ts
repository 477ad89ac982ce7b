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

/** Links to registrars, and how to give them other credentials. */
export interface ClientLinks {
  readonly links: RegistrarLinks;
  readonly renew: (credentials: Credentials) => void;
}

/** @throws CredentialsError when the credentials are not good now */
export function clientLinks(options: ClientOptions, submit: (input: LinkInput) => void): ClientLinks {
  const { credentials, onTrouble } = options;
  const { domain } = checkCredentials(credentials, Date.now());
  const transport = asapTls({ credentials, domain });
  return {
    links: new RegistrarLinks({ transport, submit, ...(onTrouble === undefined ? {} : { onTrouble }) }),
    renew: (next) => {
      checkCredentials(next, Date.now());
      transport.renew(next);
    },
  };
}

export function octetsOf(handle: PoolHandle): Uint8Array {
  return typeof handle === 'string' ? new TextEncoder().encode(handle) : handle;
}
