// SPDX-License-Identifier: Apache-2.0
import { formatEndpoint, type ScopeEndpoint } from '@vnfpool/runtime/endpoint';
import type { ScopeTransports } from '@vnfpool/runtime/scope-transports';
import {
  type Connection,
  type ConnectOptions,
  type Listener,
  type StreamTransport,
  TransportError,
} from '@vnfpool/transport/stream';
import type { Link } from './links.ts';

/** @throws TransportError, also when there is no transport of this kind */
export async function listenAt(
  transports: ScopeTransports,
  endpoint: ScopeEndpoint,
  connectionsMax: number | undefined,
  onLink: (link: Link) => void,
): Promise<Listener> {
  const { kind, addresses, port } = endpoint;
  const [host = '', ...others] = addresses;
  return transportFor(transports, endpoint).listen({
    host,
    port,
    ...(others.length > 0 ? { addresses: others } : {}),
    ...(connectionsMax === undefined ? {} : { connectionsMax }),
    onConnection: (connection) => onLink({ kind, connection }),
  });
}

/**
 * Over SCTP an association leaves from an endpoint of `from`, so that a peer registrar finds the one that our Server
 * Information names: rsplib takes no other.
 * @param from Where we listen; none: from any port
 * @throws TransportError
 */
export async function dial(
  transports: ScopeTransports,
  endpoint: ScopeEndpoint,
  from: readonly ScopeEndpoint[],
  signal: AbortSignal,
): Promise<Connection> {
  const { addresses, port } = endpoint;
  const [host = '', ...others] = addresses;
  const all = others.length > 0 ? { addresses: others } : {};
  const own = endpoint.kind === 'sctp' ? from.find(({ kind }) => kind === 'sctp') : undefined;
  const local = own === undefined ? {} : localEnd(own);
  return transportFor(transports, endpoint).connect({ host, port, ...all, ...local, signal });
}

function localEnd({
  addresses: [localAddress, ...localAddresses],
  port: localPort,
}: ScopeEndpoint): Pick<ConnectOptions, 'localAddress' | 'localAddresses' | 'localPort'> {
  if (localAddress === undefined || isWildcard(localAddress)) return { localPort };
  return { localPort, localAddress, ...(localAddresses.length > 0 ? { localAddresses } : {}) };
}

function transportFor(transports: ScopeTransports, endpoint: ScopeEndpoint): StreamTransport {
  const transport = transports[endpoint.kind];
  if (transport !== undefined) return transport;
  throw new TransportError(
    'unreachable',
    `${formatEndpoint(endpoint)}: this registrar does not speak ${endpoint.kind}`,
  );
}

/** The endpoint as others reach it: a wildcard address tells them nothing. */
export function reachableAt(endpoint: ScopeEndpoint, address: string | undefined): ScopeEndpoint {
  if (address === undefined) return endpoint;
  return { ...endpoint, addresses: endpoint.addresses.map((each) => (isWildcard(each) ? address : each)) };
}

export function isWildcard(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}
