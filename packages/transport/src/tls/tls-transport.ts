// SPDX-License-Identifier: Apache-2.0
import {
  checkServerIdentity,
  createServer,
  type Server,
  type TLSSocket,
  connect as tlsConnect,
} from 'node:tls';
import type { FrameRule } from '../framing/frame-rule.ts';
import { SocketConnection } from '../stream/socket-connection.ts';
import { listenOn, track } from '../stream/socket-listener.ts';
import {
  type CertificateIdentity,
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
import { TransportError } from '../stream/transport-error.ts';
import { established, refuseAborted } from '../tcp/established.ts';
import { certificateIdentity } from './certificate-identity.ts';

/** PEM texts. */
export interface TlsCredentials {
  readonly key: string;
  readonly certificate: string;
  /** The only authority believed. */
  readonly ca: string;
}

export interface TlsTransportOptions {
  readonly rule: FrameRule;
  readonly credentials: TlsCredentials;
  readonly limits?: Partial<ConnectionLimits>;
  /**
   * Judges a peer whose chain is good: a text refuses it. On connections that we open it takes the place of
   * the comparison of host name and subjectAltName, which holds otherwise (RFC 5355 §6, RFC 9525).
   */
  readonly judgePeer?: (identity: CertificateIdentity, side: 'accepted' | 'connected') => string | null;
  /** An accepted handshake failed, or `judgePeer` refused it. */
  readonly onHandshakeFailure?: (failure: { readonly address: string; readonly reason: string }) => void;
}

/** TLS 1.3 with certificates at both ends. */
export class TlsTransport implements StreamTransport {
  readonly kind = 'tls';
  readonly counters: TransportCounters = transportCounters();
  readonly #options: TlsTransportOptions;
  readonly #limits: ConnectionLimits;
  readonly #servers = new Set<Server>();
  #credentials: TlsCredentials;

  constructor(options: TlsTransportOptions) {
    this.#options = options;
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#credentials = options.credentials;
  }

  /** Handshakes from now on use these; connections that exist are left alone. */
  renew(credentials: TlsCredentials): void {
    this.#credentials = credentials;
    for (const server of this.#servers) server.setSecureContext(this.#context());
  }

  async listen(options: ListenOptions): Promise<Listener> {
    const connections = new Set<Connection>();
    const server = createServer({
      ...this.#context(),
      requestCert: true,
      rejectUnauthorized: true,
      handshakeTimeout: this.#limits.handshakeTimeoutMs,
    });
    server.on('secureConnection', (socket) => {
      const identity = identityOf(socket);
      const refusal = identity === null ? 'no certificate' : this.#judge(identity, 'accepted');
      if (refusal !== null) {
        this.#refused(socket.remoteAddress ?? '', refusal);
        socket.destroy();
        return;
      }
      this.counters.accepted += 1;
      const connection = this.#connection(socket, identity, true);
      track(connections, connection);
      options.onConnection(connection);
    });
    server.on('tlsClientError', (error, socket) => {
      // A certificate that does not verify ends the socket without an error of its own; the code is kept there alone.
      const { authorizationError } = socket;
      const reason = authorizationError ? `certificate: ${String(authorizationError)}` : error.message;
      this.#refused(socket.remoteAddress ?? '', reason);
      socket.destroy();
    });
    const listener = await listenOn(server, options, connections, this.counters, this.#limits.closeTimeoutMs);
    this.#servers.add(server);
    return {
      address: listener.address,
      close: () => {
        this.#servers.delete(server);
        return listener.close();
      },
    };
  }

  async connect(options: ConnectOptions): Promise<Connection> {
    refuseAborted(options);
    const judges = this.#options.judgePeer !== undefined;
    const socket = tlsConnect({
      ...this.#context(),
      host: options.host,
      port: options.port,
      ...(options.localAddress === undefined ? {} : { localAddress: options.localAddress }),
      rejectUnauthorized: true,
      checkServerIdentity: judges ? () => undefined : checkServerIdentity,
    });
    return established(socket, 'secureConnect', options, this.#limits.handshakeTimeoutMs, () => {
      const identity = identityOf(socket);
      const refusal = identity === null ? 'no certificate' : this.#judge(identity, 'connected');
      if (refusal !== null) {
        this.counters.handshakeFailed += 1;
        throw new TransportError(
          'authentication',
          `connecting to ${options.host}:${options.port}: ${refusal}`,
        );
      }
      this.counters.connected += 1;
      return this.#connection(socket, identity, false);
    });
  }

  #context(): { key: string; cert: string; ca: string; minVersion: 'TLSv1.3' } {
    const { key, certificate, ca } = this.#credentials;
    return { key, cert: certificate, ca, minVersion: 'TLSv1.3' };
  }

  #judge(identity: CertificateIdentity, side: 'accepted' | 'connected'): string | null {
    return this.#options.judgePeer?.(identity, side) ?? null;
  }

  #refused(address: string, reason: string): void {
    this.counters.handshakeFailed += 1;
    this.#options.onHandshakeFailure?.({ address, reason });
  }

  #connection(socket: TLSSocket, identity: CertificateIdentity | null, accepted: boolean): SocketConnection {
    return new SocketConnection(socket, {
      rule: this.#options.rule,
      limits: this.#limits,
      counters: this.counters,
      identity,
      accepted,
    });
  }
}

/** Asked exactly once a socket: on the client side Node answers only the first time. */
function identityOf(socket: TLSSocket): CertificateIdentity | null {
  const certificate = socket.getPeerX509Certificate();
  return certificate === undefined ? null : certificateIdentity(certificate);
}
