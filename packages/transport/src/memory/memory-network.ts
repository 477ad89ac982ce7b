// SPDX-License-Identifier: Apache-2.0
import type { FrameRule } from '../framing/frame-rule.ts';
import {
  type CertificateIdentity,
  type Connection,
  type ConnectionEnd,
  type ConnectionLimits,
  type ConnectOptions,
  defaultConnectionsMax,
  defaultLimits,
  type Listener,
  type ListenOptions,
  type StreamTransport,
  type TransportCounters,
  transportCounters,
} from '../stream/stream-transport.ts';
import { TransportError } from '../stream/transport-error.ts';
import { MemoryConnection } from './memory-connection.ts';

export interface MemoryTransportOptions {
  readonly rule: FrameRule;
  readonly limits?: Partial<ConnectionLimits>;
  /** What peers see as our certificate. Default none. */
  readonly identity?: CertificateIdentity;
  /** Our address when connecting. Default 127.0.0.1. */
  readonly address?: string;
}

interface Bound {
  accept(remote: {
    readonly end: ConnectionEnd;
    readonly identity: CertificateIdentity | null;
  }): MemoryConnection | null;
}

/** Streams within one process, for tests: same promises as TCP, no kernel. Ends meet by address and port. */
export class MemoryNetwork {
  readonly #bound = new Map<string, Bound>();
  #nextPort = 49_152;

  transport(options: MemoryTransportOptions): StreamTransport {
    return new MemoryTransport(this, options);
  }

  /** @internal */
  bind(host: string, port: number, bound: Bound): ConnectionEnd {
    const end = { address: host, addresses: [host], port: port === 0 ? this.freePort() : port };
    const key = `${end.address}:${end.port}`;
    if (this.#bound.has(key)) throw new TransportError('address-in-use', `listening on ${key}: in use`);
    this.#bound.set(key, bound);
    return end;
  }

  /** @internal */
  release(end: ConnectionEnd): void {
    this.#bound.delete(`${end.address}:${end.port}`);
  }

  /** @internal */
  find(host: string, port: number): Bound | undefined {
    return this.#bound.get(`${host}:${port}`);
  }

  /** @internal */
  freePort(): number {
    this.#nextPort = this.#nextPort === 65_535 ? 49_152 : this.#nextPort + 1;
    return this.#nextPort;
  }
}

class MemoryTransport implements StreamTransport {
  readonly kind = 'memory';
  readonly counters: TransportCounters = transportCounters();
  readonly #network: MemoryNetwork;
  readonly #options: MemoryTransportOptions;
  readonly #limits: ConnectionLimits;

  constructor(network: MemoryNetwork, options: MemoryTransportOptions) {
    this.#network = network;
    this.#options = options;
    this.#limits = { ...defaultLimits, ...options.limits };
  }

  async listen(options: ListenOptions): Promise<Listener> {
    const connections = new Set<Connection>();
    const end = this.#network.bind(options.host, options.port, {
      accept: (remote) => {
        if (connections.size >= (options.connectionsMax ?? defaultConnectionsMax)) {
          this.counters.droppedAtCap += 1;
          return null;
        }
        this.counters.accepted += 1;
        const connection = this.#connection(end, { ...remote.end, identity: remote.identity }, true);
        connections.add(connection);
        connection.onClose(() => connections.delete(connection));
        queueMicrotask(() => options.onConnection(connection));
        return connection;
      },
    });
    return {
      address: end,
      close: async () => {
        this.#network.release(end);
        for (const connection of connections) connection.close('the listener was closed');
      },
    };
  }

  async connect(options: ConnectOptions): Promise<Connection> {
    const where = `connecting to ${options.host}:${options.port}`;
    // A turn passes, as it would with a kernel.
    await Promise.resolve();
    if (options.signal?.aborted)
      throw new TransportError('aborted', `${where}: aborted`, options.signal.reason);
    const bound = this.#network.find(options.host, options.port);
    if (bound === undefined) throw new TransportError('refused', `${where}: nobody listens`);
    const address = options.localAddress ?? this.#options.address ?? '127.0.0.1';
    const local = {
      address,
      addresses: [address],
      port: this.#network.freePort(),
    };
    const far = bound.accept({ end: local, identity: this.#options.identity ?? null });
    if (far === null) throw new TransportError('refused', `${where}: the listener is at its cap`);
    this.counters.connected += 1;
    const near = this.#connection(
      local,
      { address: options.host, addresses: [options.host], port: options.port, identity: far.ownIdentity },
      false,
    );
    near.join(far);
    far.join(near);
    return near;
  }

  #connection(local: ConnectionEnd, peer: Connection['peer'], accepted: boolean): MemoryConnection {
    return new MemoryConnection({
      local,
      peer,
      accepted,
      rule: this.#options.rule,
      limits: this.#limits,
      counters: this.counters,
      ownIdentity: this.#options.identity ?? null,
    });
  }
}
