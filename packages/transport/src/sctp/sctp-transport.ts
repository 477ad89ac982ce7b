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
  /** In place of `defaultTuning`, value by value. */
  readonly tuning?: SctpTuning;
}

/**
 * A retransmission timer for signalling. Linux waits for at least a second, also after a burst of small messages that
 * overran the receiver's memory, for which it accounts by packets and not by octets. The peer acknowledges
 * our messages at once (RFC 7053), so that a short timer does not run ahead of it.
 */
export const defaultTuning: SctpTuning = { rtoInitialMs: 1000, rtoMinMs: 250, rtoMaxMs: 5000 };

/**
 * SCTP of the kernel: nobody is authenticated. One association is one connection, one frame one user message, all of
 * them on stream 0, in order. `connect` with `localPort` leaves from the port of a listener, so that the
 * peer finds us there again.
 *
 * A message longer than the socket's send buffer (sysctl net.core.wmem_default, 212,992) is refused by the kernel and ends
 * the association.
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
  readonly #tuning: SctpTuning;

  constructor(options: SctpTransportOptions) {
    this.#options = options;
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#tuning = { ...defaultTuning, ...options.tuning };
    this.#protocols = options.protocols === undefined ? null : new Set(options.protocols);
  }

  listen(options: ListenOptions): Promise<Listener> {
    return listenSctp(options, this.#tuning, this.counters, (socket, onReleased) =>
      this.#connection(socket, true, onReleased),
    );
  }

  async connect(options: ConnectOptions): Promise<SctpConnection> {
    refuseAborted(options);
    const socket = await connectSctp(options, this.#tuning, this.#limits.handshakeTimeoutMs);
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
