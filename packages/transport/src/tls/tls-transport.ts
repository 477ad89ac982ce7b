// SPDX-License-Identifier: Apache-2.0
import { isIP, type Socket } from 'node:net';
import {
  createServer,
  type PeerCertificate,
  type Server,
  type TLSSocket,
  connect as tlsConnect,
} from 'node:tls';
import { domainToASCII } from 'node:url';
import type { FrameRule } from '../framing/frame-rule.ts';
import { bindForMptcp, connectMptcp, isMultipath } from '../mptcp/mptcp-sockets.ts';
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
import { serverIdentityFault } from './server-identity.ts';
import { SharedKeyServer, type SharedKeys, usedSharedKey } from './shared-keys.ts';
import { type TlsContext, type TlsMaterial, tlsContext } from './tls-context.ts';

export interface TlsTransportOptions {
  readonly rule: FrameRule;
  /** Not needed where everybody holds a shared key. */
  readonly credentials?: TlsMaterial;
  /** Keys beside certificates, or in their place. Where there is an own one, connections are opened by it alone. */
  readonly sharedKeys?: SharedKeys;
  readonly limits?: Partial<ConnectionLimits>;
  /**
   * Judges a certificate whose chain is good: a text refuses it. Unless `checkName` says otherwise, on connections
   * that we open it takes the place of `serverIdentityFault`. `host` is what we connected to; '' where we were.
   */
  readonly judgePeer?: (
    identity: CertificateIdentity,
    side: 'accepted' | 'connected',
    host: string,
  ) => string | null;
  /**
   * Whether the certificate of a server must name what we connected to (RFC 5355 §3, RFC 9525). Default: only
   * where there is no `judgePeer`.
   */
  readonly checkName?: boolean;
  /** Whether peers are accepted that show neither certificate nor shared key. Default false. */
  readonly anonymousPeers?: boolean;
  /** The oldest version offered. Default TLSv1.3. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
  /** Also TLS_RSA_WITH_AES_128_CBC_SHA, or TLS_PSK_WITH_AES_128_CBC_SHA for shared keys, with TLS 1.2. Default false. */
  readonly obsoleteSuite?: boolean;
  /** Over MPTCP instead of TCP, where both ends have it; see `MptcpTransport`. Default false. */
  readonly multipath?: boolean;
  /** An accepted handshake failed, or `judgePeer` refused it. */
  readonly onHandshakeFailure?: (failure: { readonly address: string; readonly reason: string }) => void;
}

/** Who the other end has proved to be. */
interface Proof {
  readonly identity: CertificateIdentity | null;
  readonly sharedKeyIdentity?: string;
}

/** TLS, by default 1.3 with certificates at both ends. */
export class TlsTransport implements StreamTransport {
  readonly kind = 'tls';
  readonly counters: TransportCounters = transportCounters();
  readonly #options: TlsTransportOptions;
  readonly #limits: ConnectionLimits;
  readonly #servers = new Set<Server>();
  #credentials: TlsMaterial | undefined;

  constructor(options: TlsTransportOptions) {
    this.#options = options;
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#credentials = options.credentials;
  }

  /** Handshakes from now on use these; connections that exist are left alone. */
  renew(credentials: TlsMaterial): void {
    this.#credentials = credentials;
    for (const server of this.#servers) server.setSecureContext(this.#serverContext());
  }

  async listen(options: ListenOptions): Promise<Listener> {
    const { sharedKeys, anonymousPeers = false } = this.#options;
    const connections = new Set<Connection>();
    const keys = sharedKeys === undefined ? undefined : new SharedKeyServer(sharedKeys);
    const server = createServer({
      ...this.#serverContext(),
      // Node asks this only with a key at hand, and takes null for "none", whatever its types say.
      ...(keys === undefined ? {} : { pskCallback: keys.answer as never }),
      requestCert: true,
      // What is not admitted below goes; without this Node would refuse peers without certificate itself.
      rejectUnauthorized: !anonymousPeers,
      handshakeTimeout: this.#limits.handshakeTimeoutMs,
    });
    server.on('secureConnection', (socket) => {
      const proof = this.#proofOf(socket, keys);
      if (typeof proof === 'string') {
        this.#refused(socket.remoteAddress ?? '', proof);
        socket.destroy();
        return;
      }
      this.counters.accepted += 1;
      const connection = this.#connection(socket, proof, true);
      track(connections, connection);
      options.onConnection(connection);
    });
    server.on('tlsClientError', (error, socket) => {
      // A certificate that does not verify ends the socket without an error of its own; the code is kept there alone.
      const { authorizationError } = socket;
      const reason = authorizationError ? `certificate: ${String(authorizationError)}` : error.message;
      const key = keys?.describe(socket) ?? null;
      this.#refused(socket.remoteAddress ?? '', key === null ? reason : `${key}: ${reason}`);
      socket.destroy();
    });
    const { closeTimeoutMs } = this.#limits;
    const fd = this.#options.multipath === true ? await bindForMptcp(options) : null;
    const listener = await listenOn(server, options, connections, this.counters, closeTimeoutMs, fd);
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
    const { sharedKeys, judgePeer, checkName = judgePeer === undefined } = this.#options;
    const own = sharedKeys?.own;
    // An international name goes to DNS and to the server in its ASCII form.
    const host = isIP(options.host) === 0 ? domainToASCII(options.host) || options.host : options.host;
    const below = this.#options.multipath === true ? await this.#below({ ...options, host }) : null;
    const socket = tlsConnect({
      ...this.#clientContext(),
      host,
      port: options.port,
      ...(below === null ? {} : { socket: below }),
      ...(options.localAddress === undefined ? {} : { localAddress: options.localAddress }),
      rejectUnauthorized: true,
      ...(own === undefined ? {} : { pskCallback: () => ({ psk: own.key, identity: own.identity }) }),
      // By shared key there is no certificate to look at; what stands in for it comes with `own`, below.
      checkServerIdentity: (_host: string, _certificate: PeerCertificate) => undefined,
    });
    return established(socket, 'secureConnect', options, this.#limits.handshakeTimeoutMs, () => {
      const proof = this.#serverProof(socket, options.host, checkName);
      if (typeof proof === 'string') {
        this.counters.handshakeFailed += 1;
        throw new TransportError('authentication', `connecting to ${options.host}:${options.port}: ${proof}`);
      }
      this.counters.connected += 1;
      return this.#connection(socket, proof, false);
    });
  }

  #below(options: ConnectOptions): Promise<Socket> {
    return connectMptcp(options, this.#limits.handshakeTimeoutMs, (socket) => socket);
  }

  #serverContext(): TlsContext {
    return this.#context(this.#credentials, this.#options.sharedKeys !== undefined);
  }

  /** By shared key or by certificate, never by the one where the other failed. */
  #clientContext(): TlsContext {
    const bySharedKey = this.#options.sharedKeys?.own !== undefined;
    return this.#context(bySharedKey ? undefined : this.#credentials, bySharedKey);
  }

  #context(credentials: TlsMaterial | undefined, sharedKeys: boolean): TlsContext {
    const { minVersion = 'TLSv1.3', obsoleteSuite = false } = this.#options;
    return tlsContext({ credentials, sharedKeys, minVersion, obsoleteSuite });
  }

  /** Who connected to us; a text: why it may not. Certificates are asked for once a socket. */
  #proofOf(socket: TLSSocket, keys: SharedKeyServer | undefined): Proof | string {
    const certificate = socket.getPeerX509Certificate();
    if (certificate !== undefined) {
      if (!socket.authorized) return `certificate: ${String(socket.authorizationError)}`;
      const identity = certificateIdentity(certificate);
      return this.#options.judgePeer?.(identity, 'accepted', '') ?? { identity };
    }
    const sharedKeyIdentity = keys?.provedBy(socket) ?? null;
    if (sharedKeyIdentity !== null) return { identity: null, sharedKeyIdentity };
    return this.#options.anonymousPeers === true ? { identity: null } : 'no certificate';
  }

  /** Whom we reached; a text: why it is not whom we meant. Node answers for the certificate the first time only. */
  #serverProof(socket: TLSSocket, host: string, checkName: boolean): Proof | string {
    const own = this.#options.sharedKeys?.own;
    if (own !== undefined) {
      return usedSharedKey(socket)
        ? { identity: null, sharedKeyIdentity: own.identity }
        : 'it has not proved to hold our key';
    }
    const certificate = socket.getPeerX509Certificate();
    if (certificate === undefined) return 'no certificate';
    const identity = certificateIdentity(certificate);
    const fault = checkName ? serverIdentityFault(host, identity) : null;
    return fault ?? this.#options.judgePeer?.(identity, 'connected', host) ?? { identity };
  }

  #refused(address: string, reason: string): void {
    this.counters.handshakeFailed += 1;
    this.#options.onHandshakeFailure?.({ address, reason });
  }

  #connection(
    socket: TLSSocket,
    { identity, sharedKeyIdentity }: Proof,
    accepted: boolean,
  ): SocketConnection {
    const wantsPaths = this.#options.multipath === true;
    const multipath = wantsPaths && isMultipath(socket);
    if (wantsPaths && !multipath) this.counters.fellBack += 1;
    return new SocketConnection(socket, {
      rule: this.#options.rule,
      limits: this.#limits,
      counters: this.counters,
      identity,
      sharedKeyIdentity,
      multipath,
      accepted,
    });
  }
}
