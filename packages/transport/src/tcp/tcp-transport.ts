// SPDX-License-Identifier: Apache-2.0
import { createServer, connect as netConnect, type Socket } from 'node:net';
import type { FrameRule } from '../framing/frame-rule.ts';
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
import { established, refuseAborted } from './established.ts';

export interface TcpTransportOptions {
  readonly rule: FrameRule;
  readonly limits?: Partial<ConnectionLimits>;
}

/** Plain TCP: nobody is authenticated. For loopback, and paths that are protected below. */
export class TcpTransport implements StreamTransport {
  readonly kind = 'tcp';
  readonly counters: TransportCounters = transportCounters();
  readonly #rule: FrameRule;
  readonly #limits: ConnectionLimits;

  constructor(options: TcpTransportOptions) {
    this.#rule = options.rule;
    this.#limits = { ...defaultLimits, ...options.limits };
  }

  listen(options: ListenOptions): Promise<Listener> {
    const connections = new Set<Connection>();
    const server = createServer({ pauseOnConnect: false }, (socket) => {
      this.counters.accepted += 1;
      const connection = this.#connection(socket, true);
      track(connections, connection);
      options.onConnection(connection);
    });
    return listenOn(server, options, connections, this.counters, this.#limits.closeTimeoutMs);
  }

  async connect(options: ConnectOptions): Promise<Connection> {
    refuseAborted(options);
    const socket = netConnect({
      host: options.host,
      port: options.port,
      ...(options.localAddress === undefined ? {} : { localAddress: options.localAddress }),
    });
    return established(socket, 'connect', options, this.#limits.handshakeTimeoutMs, () => {
      this.counters.connected += 1;
      return this.#connection(socket, false);
    });
  }

  #connection(socket: Socket, accepted: boolean): SocketConnection {
    return new SocketConnection(socket, {
      rule: this.#rule,
      limits: this.#limits,
      counters: this.counters,
      identity: null,
      accepted,
    });
  }
}
