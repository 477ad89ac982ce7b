// SPDX-License-Identifier: Apache-2.0
import type { Authorize, Identity } from '@vnfpool/core/registrar';
import type { Connection, ConnectionLimits, StreamTransport } from '@vnfpool/transport/stream';
import type { EndpointKind } from '../endpoint/endpoint.ts';
import type { ScopeSecurity } from './description.ts';

/** What we are, which decides whom we accept and whom we expect to find. */
export type ScopeRole = 'registrar' | 'element' | 'user';

export interface ScopeTransportOptions {
  readonly protocol: 'asap' | 'enrp';
  /** Default: TLS in a secured scope, TCP in an open one. Another needs leave, see `refusal`. */
  readonly kind?: 'tcp' | 'tls';
  readonly limits?: Partial<ConnectionLimits>;
  /** Who was refused when connecting to us, and why. */
  readonly onHandshakeFailure?: (failure: { readonly address: string; readonly reason: string }) => void;
}

/**
 * The security of one scope as one of its members sees it. Made by `scopeGuard`.
 *
 * A secured scope has no way down: there is no transport of it that is plain, and nothing is tried again
 * with less.
 */
export interface ScopeGuard {
  readonly secured: boolean;
  /**
   * The server side and the client side in one.
   * @throws ScopeSecurityError for a kind that this scope does not have
   */
  transport(options: ScopeTransportOptions): StreamTransport;
  /**
   * Why an endpoint may not be used in this scope, or null. Ask it for every endpoint before listening there or
   * connecting to it, also those that others told.
   */
  refusal(use: {
    readonly kind: EndpointKind;
    readonly protocol: 'asap' | 'enrp';
    readonly side: 'listen' | 'connect';
  }): string | null;
  /** Who is at the other end; null: nobody we know, who gets answers at most. */
  identityOf(connection: Connection): Identity | null;
  /** For the registrar's core. */
  readonly authorize: Authorize;
  /** For the registrar's core: nobody unknown registers or peers, unless the scope is open. */
  readonly registrarOptions: { readonly openRegistration: boolean; readonly openPeering: boolean };
  /**
   * New certificates, keys, rules or revocations of the same kind, from now on; connections that exist stay:
   * close those whose `identityOf` is not what it was.
   * @throws ScopeSecurityError when the kind is another
   */
  renew(security: ScopeSecurity): void;
}
