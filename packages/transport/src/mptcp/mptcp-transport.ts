// SPDX-License-Identifier: Apache-2.0
import { createServer, type Socket } from 'node:net';
import { SocketConnection } from '../stream/socket-connection.ts';
import { listenOn, track } from '../stream/socket-listener.ts';
import {
  type Connection,
  type ConnectionLimits,
  type ConnectOptions,
  defaultLimits,
  type Listener,
  type ListenOptions,
  type StreamTransport,
  type TransportCounters,
  transportCounters,
} from '../stream/stream-transport.ts';
import { refuseAborted } from '../tcp/established.ts';
import type { TcpTransportOptions } from '../tcp/tcp-transport.ts';
import { bindForMptcp, connectMptcp, isMultipath } from './mptcp-sockets.ts';

/**
 * Multipath TCP: nobody is authenticated. A connection goes on while one of its paths works; which there are, the hosts
 * decide (`ip mptcp`). Where one end has no MPTCP it is TCP: `Connection.multipath` tells, `counters.fellBack` counts.
 *
 * For TLS over it: `multipath` of `TlsTransport`.
 * @see RFC 8684
 */
export class MptcpTransport implements StreamTransport {
  readonly kind = 'mptcp';
  readonly counters: TransportCounters = transportCounters();
  readonly #options: TcpTransportOptions;
  readonly #limits: ConnectionLimits;

  constructor(options: TcpTransportOptions) {
    this.#options = options;
    this.#limits = { ...defaultLimits, ...options.limits };
  }

  async listen(options: ListenOptions): Promise<Listener> {
    const connections = new Set<Connection>();
    const fd = await bindForMptcp(options);
    const server = createServer({ pauseOnConnect: false }, (socket) => {
      this.counters.accepted += 1;
      const connection = this.#connection(socket, true);
      track(connections, connection);
      options.onConnection(connection);
    });
    return listenOn(server, options, connections, this.counters, this.#limits.closeTimeoutMs, fd);
  }

  async connect(options: ConnectOptions): Promise<Connection> {
    refuseAborted(options);
    return connectMptcp(options, this.#limits.handshakeTimeoutMs, (socket) => {
      this.counters.connected += 1;
      return this.#connection(socket, false);
    });
  }

  #connection(socket: Socket, accepted: boolean): SocketConnection {
    const multipath = isMultipath(socket);
    if (!multipath) this.counters.fellBack += 1;
    return new SocketConnection(socket, {
      rule: this.#options.rule,
      limits: this.#limits,
      counters: this.counters,
      identity: null,
      multipath,
      accepted,
    });
  }
}
