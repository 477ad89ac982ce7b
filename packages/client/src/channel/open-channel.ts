// SPDX-License-Identifier: Apache-2.0
import type { Connection, StreamTransport } from '@vnfpool/transport/stream';
import type { PoolElement as FoundElement, Transport } from '@vnfpool/wire/parameters';
import type { DataTransports } from '../client-scope.ts';
import { PoolError } from '../pool-error.ts';
import { type ChannelCodec, plainCodec, sctpCodec, shimCodec } from './channel-codec.ts';

/** Octets of one message of a session at most, by default. */
export const defaultMessageBytesMax: number = 256 * 1024;

/** How data and control go over what a pool registered. @throws PoolError `unreachable` for what we cannot speak */
export function codecFor(transport: Transport, messageBytesMax: number): ChannelCodec {
  if (transport.type !== 'tcp' && transport.type !== 'sctp')
    throw new PoolError(
      'unreachable',
      `sessions go over TCP and SCTP, the pool is served over ${transport.type}`,
    );
  if (transport.use !== 'data-and-control') return plainCodec();
  return transport.type === 'sctp' ? sctpCodec(messageBytesMax) : shimCodec(messageBytesMax);
}

/** Transports made once for each kind of channel, so that credentials are renewed in one place. */
export class ChannelTransports {
  readonly #make: DataTransports;
  readonly #made = new Map<string, StreamTransport>();

  constructor(make: DataTransports) {
    this.#make = make;
  }

  for(kind: 'tcp' | 'sctp', codec: ChannelCodec): StreamTransport {
    const key = `${kind} ${codec.control} ${codec.rule.frameBytesMax}`;
    const made = this.#made.get(key) ?? this.#make(kind, codec.rule);
    this.#made.set(key, made);
    return made;
  }

  /** @throws PoolError, TransportError */
  async connect(element: FoundElement, codec: ChannelCodec, signal: AbortSignal): Promise<Connection> {
    const { userTransport: to } = element;
    if (to.type === 'tcp') return this.for('tcp', codec).connect({ host: to.address, port: to.port, signal });
    if (to.type !== 'sctp') throw new PoolError('unreachable', `no sessions over ${to.type}`);
    const [host = '', ...addresses] = to.addresses;
    return this.for('sctp', codec).connect({ host, addresses, port: to.port, signal });
  }
}
