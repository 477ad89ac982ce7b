// SPDX-License-Identifier: Apache-2.0
import { MptcpTransport } from '@vnfpool/transport/mptcp';
import { SctpTransport, sctpMissing } from '@vnfpool/transport/sctp';
import type { StreamTransport } from '@vnfpool/transport/stream';
import { asapRule } from '../asap/asap-stream.ts';
import { EndpointError, type EndpointKind, type ScopeEndpoint } from '../endpoint/endpoint.ts';
import { enrpRule } from '../enrp/enrp-stream.ts';
import { listenOnly } from '../scope-security/listen-only.ts';
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
      return guard.transport({ ...options, kind });
    case 'mptcp':
      return asAllowed(guard, new MptcpTransport({ rule: rules[options.protocol], ...limitsOf(options) }));
    case 'sctp': {
      const missing = sctpMissing();
      if (missing !== null) throw new EndpointError(missing);
      const protocol = payloadProtocols[options.protocol];
      const rule = rules[options.protocol];
      const own = { rule, protocol, protocols: [protocol], ...limitsOf(options) };
      return asAllowed(guard, new SctpTransport(own));
    }
  }
}

/** A secured scope has transports without security for listening at most. */
function asAllowed(guard: ScopeGuard, transport: StreamTransport): StreamTransport {
  return guard.secured ? listenOnly(transport) : transport;
}

const rules = { asap: asapRule, enrp: enrpRule } as const;

/** @see RFC 5352 §9.1, RFC 5353 §7.1 */
const payloadProtocols = { asap: 11, enrp: 12 } as const;

function limitsOf({ limits }: ScopeTransportsOptions): Pick<ScopeTransportsOptions, 'limits'> {
  return limits === undefined ? {} : { limits };
}

/**
 * Endpoints as this system can have them: where the kernel has no SCTP, TCP at the same address and port.
 * `missing`: how to get it, when that was so.
 */
export function withoutMissing(endpoints: readonly ScopeEndpoint[]): {
  readonly endpoints: readonly ScopeEndpoint[];
  readonly missing: string | null;
} {
  const missing = endpoints.some(({ kind }) => kind === 'sctp') ? sctpMissing() : null;
  if (missing === null) return { endpoints, missing };
  return {
    missing,
    endpoints: endpoints.map((endpoint) =>
      endpoint.kind === 'sctp'
        ? { kind: 'tcp', addresses: endpoint.addresses.slice(0, 1), port: endpoint.port }
        : endpoint,
    ),
  };
}
