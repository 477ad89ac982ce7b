// SPDX-License-Identifier: Apache-2.0
import type { SctpSocket, SctpTuning } from '@vnfpool/platform/sctp';
import type { FrameRule } from '../framing/frame-rule.ts';
import {
  type ConnectionLimits,
  type ConnectOptions,
  defaultLimits,
  type Listener,
  type ListenOptions,
  type StreamTransport,
  type TransportCounters,
  transportCounters,
} from '../stream/stream-transport.ts';
import { transportError } from '../stream/transport-error.ts';
import { refuseAborted } from '../tcp/established.ts';
import { connectSctp } from './sctp-connect.ts';
import { SctpConnection } from './sctp-connection.ts';
import { listenSctp } from './sctp-listener.ts';

export interface SctpTransportOptions {
  /** Only its bound is used: SCTP keeps the boundaries of messages itself, and what is in them is judged above. */
  readonly rule: Pick<FrameRule, 'frameBytesMax'>;
  readonly limits?: Partial<ConnectionLimits>;
  /** Payload protocol of what is sent without one: 11 ASAP, 12 ENRP. Default 0. */
  readonly protocol?: number;
  /** Payload protocols admitted; a message of another ends the connection with `frame-malformed`. Default: all. */
  readonly protocols?: readonly number[];
  readonly tuning?: SctpTuning;
}

/**
 * SCTP of the kernel: nobody is authenticated. One association is one connection, one frame one user message, all of
 * them on stream 0, in order. `connect` with `localPort` leaves from the port of a listener, so that the
 * peer finds us there again.
 *
 * Where the kernel has no SCTP (`sctpAvailable`), listening and connecting reject with `failed`.
 * @see RFC 9260, RFC 6458, RFC 5352 §2
 */
export class SctpTransport implements StreamTransport {
  readonly kind = 'sctp';
  readonly counters: TransportCounters = transportCounters();
  readonly #options: SctpTransportOptions;
  readonly #limits: ConnectionLimits;
  readonly #protocols: ReadonlySet<number> | null;

  constructor(options: SctpTransportOptions) {
    this.#options = options;
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#protocols = options.protocols === undefined ? null : new Set(options.protocols);
  }

  listen(options: ListenOptions): Promise<Listener> {
    const { tuning = {} } = this.#options;
    return listenSctp(options, tuning, this.counters, (socket, onReleased) =>
      this.#connection(socket, true, onReleased),
    );
  }

  async connect(options: ConnectOptions): Promise<SctpConnection> {
    refuseAborted(options);
    const { tuning = {} } = this.#options;
    const socket = await connectSctp(options, tuning, this.#limits.handshakeTimeoutMs);
    try {
      const connection = this.#connection(socket, false, () => {});
      this.counters.connected += 1;
      return connection;
    } catch (error) {
      // Gone before we looked at it.
      socket.abort();
      throw transportError(`connecting to ${options.host}:${options.port}`, error);
    }
  }

  #connection(socket: SctpSocket, accepted: boolean, onReleased: () => void): SctpConnection {
    return new SctpConnection(socket, {
      messageBytesMax: this.#options.rule.frameBytesMax,
      limits: this.#limits,
      counters: this.counters,
      protocol: this.#options.protocol ?? 0,
      protocols: this.#protocols,
      accepted,
      onReleased,
    });
  }
}
