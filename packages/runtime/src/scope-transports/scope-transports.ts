// SPDX-License-Identifier: Apache-2.0
import type { StreamTransport } from '@vnfpool/transport/stream';
import { EndpointError, type EndpointKind } from '../endpoint/endpoint.ts';
import type { ScopeGuard, ScopeTransportOptions } from '../scope-security/scope-guard.ts';

/** The transports of one protocol, by what they run over. */
export type ScopeTransports = Partial<Record<EndpointKind, StreamTransport>>;

export interface ScopeTransportsOptions extends ScopeTransportOptions {
  readonly kinds: Iterable<EndpointKind>;
  readonly side: 'listen' | 'connect';
}

/**
 * One transport for each kind of endpoint that is used.
 * @throws EndpointError for a kind that the scope's security forbids, or that this system does not have
 */
export function scopeTransports(guard: ScopeGuard, options: ScopeTransportsOptions): ScopeTransports {
  const { protocol, side } = options;
  const transports: ScopeTransports = {};
  for (const kind of options.kinds) {
    const refusal = guard.refusal({ kind, protocol, side });
    if (refusal !== null) throw new EndpointError(refusal);
    transports[kind] ??= make(kind, guard, options);
  }
  return transports;
}

function make(kind: EndpointKind, guard: ScopeGuard, options: ScopeTransportsOptions): StreamTransport {
  switch (kind) {
    case 'tcp':
    case 'tls':
      return guard.transport(options);
    case 'mptcp':
    case 'sctp':
      throw new EndpointError(`${kind} is not there yet`);
  }
}
