// SPDX-License-Identifier: Apache-2.0
import type { SctpTransport, TcpTransport } from '@vnfpool/wire/parameters';
import { formatIp, parseIp } from '@vnfpool/wire/parameters';

/** Kinds of transport that a registrar, an element or a user can speak ASAP and ENRP over. */
export const endpointKinds = ['tcp', 'tls', 'mptcp', 'sctp'] as const;
export type EndpointKind = (typeof endpointKinds)[number];

/** Where ASAP or ENRP is spoken: `tcp://192.0.2.1:3863`, `sctp://10.0.0.1,10.1.0.1:9901`, `tls://[2001:db8::1]:3864`. */
export interface ScopeEndpoint {
  readonly kind: EndpointKind;
  /** Numeric; more than one only for SCTP, all of one multi-homed endpoint. For `tls` the first may be a host name. */
  readonly addresses: readonly string[];
  /** 0 lets the host choose, where one listens. */
  readonly port: number;
}

export class EndpointError extends Error {
  override readonly name = 'EndpointError';
}

/** Port of ASAP or ENRP when none is said. @see RFC 5352 §10, RFC 5353 §7 */
const ports = { asap: { plain: 3863, tls: 3864 }, enrp: { plain: 9901, tls: 9902 } } as const;

/**
 * Reads `KIND://ADDRESS[,ADDRESS…][:PORT]`; IPv6 addresses stand in brackets.
 * @param protocol Whose port is meant when none is said
 * @throws EndpointError naming the text and what is wrong with it
 */
export function parseEndpoint(text: string, protocol: keyof typeof ports): ScopeEndpoint {
  const fail = (why: string): never => {
    throw new EndpointError(
      `"${text.slice(0, 200)}" is no endpoint: ${why}; it is KIND://ADDRESS[:PORT], for instance tcp://192.0.2.1:3863`,
    );
  };
  const [, scheme = '', rest = ''] = /^([a-z]+):\/\/(.*)$/.exec(text) ?? fail('no KIND://');
  const kind = endpointKinds.find((each) => each === scheme);
  if (kind === undefined) return fail(`"${scheme}" is not one of ${endpointKinds.join(', ')}`);
  const [, hosts = '', digits] = /^(.*?)(?::(\d+))?$/.exec(rest.replace(/\/$/, '')) ?? fail('no address');
  const port = digits === undefined ? ports[protocol][kind === 'tls' ? 'tls' : 'plain'] : Number(digits);
  if (port > 65_535) fail(`${digits} is no port`);
  const addresses = hosts.split(',').map((host) => readHost(host, kind) ?? fail(`"${host}" is no address`));
  if (addresses.length > 1 && kind !== 'sctp') fail('only sctp takes several addresses');
  return { kind, addresses, port };
}

function readHost(host: string, kind: EndpointKind): string | undefined {
  const inner = /^\[(.*)\]$/.exec(host)?.[1];
  try {
    if (inner === undefined && host.includes(':')) return undefined;
    return formatIp(parseIp(inner ?? host));
  } catch {
    // Names are for TLS only: there the certificate proves who answered.
    return kind === 'tls' && /^[A-Za-z0-9]([A-Za-z0-9.-]{0,252})$/.test(host) && !/^[\d.]+$/.test(host)
      ? host
      : undefined;
  }
}

export function formatEndpoint({ kind, addresses, port }: ScopeEndpoint): string {
  const hosts = addresses.map((address) => (address.includes(':') ? `[${address}]` : address));
  return `${kind}://${hosts.join(',')}:${port}`;
}

/** The transport parameter that names this endpoint to others. TLS and MPTCP are TCP to it. @see RFC 5354 §3.5, §3.6 */
export function transportOfEndpoint({ kind, addresses, port }: ScopeEndpoint): SctpTransport | TcpTransport {
  if (kind === 'sctp') return { type: 'sctp', port, use: 'data', addresses };
  const [address] = addresses;
  if (address === undefined) throw new EndpointError('an endpoint without address');
  return { type: 'tcp', port, address };
}

/** The endpoint that a transport parameter names. @param tcp What TCP means in this scope */
export function endpointOfTransport(
  transport: SctpTransport | TcpTransport,
  tcp: 'tcp' | 'tls' | 'mptcp',
): ScopeEndpoint {
  return transport.type === 'sctp'
    ? { kind: 'sctp', addresses: transport.addresses, port: transport.port }
    : { kind: tcp, addresses: [transport.address], port: transport.port };
}
