// SPDX-License-Identifier: Apache-2.0
import type { TransportError } from './transport-error.ts';

/** A numeric address (or a path-less host name when connecting) and a port. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** What a verified certificate says. The transport reads it and judges nothing but its chain. */
export interface CertificateIdentity {
  readonly commonName: string | null;
  /** URIs of the subjectAltName, in order. */
  readonly uris: readonly string[];
  /** dNSNames of the subjectAltName, in order, as they stand there. */
  readonly dnsNames: readonly string[];
  /** iPAddresses of the subjectAltName, in order, each in its one spelling. */
  readonly addresses: readonly string[];
  /** SHA-256 of the certificate's DER, lower-case hexadecimal. */
  readonly fingerprint: string;
  /** Wall-clock milliseconds since 1970. */
  readonly validToMs: number;
}

/** One end of a connection. */
export interface ConnectionEnd extends Endpoint {
  /** Every address of the end: those of a multi-homed SCTP association; elsewhere `address` alone. */
  readonly addresses: readonly string[];
}

export interface Peer extends ConnectionEnd {
  /** Null where the transport has no certificates, or the peer has shown none. */
  readonly identity: CertificateIdentity | null;
  /**
   * The identity of the shared key that both ends have proved to hold: the peer's when it connected to us, our
   * own when we connected. Absent: none.
   */
  readonly sharedKeyIdentity?: string;
}

/**
 * Why a connection is over.
 *
 * - `local`: we closed it · `peer`: the other end closed it between two frames
 * - `frame-malformed`, `frame-too-large`: its header cannot be one, or announces more than the rule admits
 * - `frame-truncated`: it ended within a frame
 * - `frame-timeout`: no first frame, or a begun frame unfinished, for `frameTimeoutMs`
 * - `send-queue-full`: it reads more slowly than we send
 * - `failed`: the stream broke; `error` says how
 */
export type CloseCode =
  | 'local'
  | 'peer'
  | 'frame-malformed'
  | 'frame-too-large'
  | 'frame-truncated'
  | 'frame-timeout'
  | 'send-queue-full'
  | 'failed';

export interface CloseReason {
  readonly code: CloseCode;
  /** One sentence with the values that matter. */
  readonly message: string;
  readonly error?: TransportError;
}

/** One stream of frames between two ends. */
export interface Connection {
  readonly peer: Peer;
  readonly local: ConnectionEnd;
  /** Whether several paths can carry it now: more than one address at an end (SCTP), or MPTCP at both ends. */
  readonly multipath: boolean;
  /** Null while open. */
  readonly closed: CloseReason | null;
  /**
   * Queues a whole frame. False when the connection is closed, or when the frame would put more than
   * `sendQueueBytesMax` in the queue: then the connection is closed with `send-queue-full`, because a peer
   * that misses one message of a stateful protocol is worse off than one that has to reconnect.
   * The bytes must not be changed afterwards.
   * @param protocol SCTP payload protocol identifier; default that of the transport. Other kinds lose it.
   */
  send(frame: Uint8Array, protocol?: number): boolean;
  /**
   * Takes over the frames. Nothing is read before this is called, so none is lost. A frame may share memory
   * with its neighbours: copy what you keep. `protocol` is the SCTP payload protocol identifier that the peer
   * gave, 0 for other kinds.
   */
  onFrame(handler: (frame: Uint8Array, protocol: number) => void): void;
  /**
   * Called when the peer sends what cannot be framed, before the connection ends for it: what the handler sends still
   * goes out, then it closes, or the connection is ended for it with the code that stands in the fault. Without a handler it
   * ends at once. Once.
   */
  onFault?(handler: (fault: FrameFault) => void): void;
  /** Called once; at the next turn if the connection is closed already. Several handlers may be added. */
  onClose(handler: (reason: CloseReason) => void): void;
  /** Sends what is queued, then closes; cut off after `closeTimeoutMs`. */
  close(message?: string): void;
  /** Where the transport has it; without, a sender is bounded by `sendQueueBytesMax` alone, a receiver by nothing. */
  readonly flow?: FlowControl;
  /** Smoothed round-trip time as the kernel measured it; null where it does not tell, or has not measured. */
  roundTripMs(): number | null;
}

/** After it nothing that the peer sends can be read. */
export interface FrameFault {
  readonly code: 'frame-malformed' | 'frame-too-large';
  readonly message: string;
}

/** For those who send or take more than a few messages. */
export interface FlowControl {
  /** Octets that the kernel has not taken yet. */
  readonly queuedBytes: number;
  /** Calls back once, when the queue is worked off; at the next turn if it is short. Not after the end of the connection. */
  onDrained(handler: () => void): void;
  /** Reads no more until `resume`; what was read already still comes. */
  pause(): void;
  resume(): void;
}

export interface ListenOptions {
  readonly host: string;
  /** SCTP: further addresses to bind, beside `host`. Other kinds listen at `host` alone. */
  readonly addresses?: readonly string[];
  /** 0 lets the host choose. */
  readonly port: number;
  /** Call `onFrame` before returning, or later; nothing is read before. */
  onConnection(connection: Connection): void;
  /** Connections at once, handshakes included; more are dropped and counted. Default 1024. */
  readonly connectionsMax?: number;
}

export interface Listener {
  /** Where it really listens. */
  readonly address: ConnectionEnd;
  /** Stops listening and closes every connection it accepted. */
  close(): Promise<void>;
}

export interface ConnectOptions {
  readonly host: string;
  readonly port: number;
  /** SCTP: further addresses of the peer, tried as well. Other kinds use `host` alone. */
  readonly addresses?: readonly string[];
  /** Our address; default: the host chooses. */
  readonly localAddress?: string;
  /** SCTP: further addresses of ours; needs `localAddress`. */
  readonly localAddresses?: readonly string[];
  /** SCTP: our port, also one that a transport of this process listens on. Default: the host chooses. */
  readonly localPort?: number;
  readonly signal?: AbortSignal;
}

/** Streams of one kind. Every implementation passes the compliance suite in `testkit`. */
export interface StreamTransport {
  readonly kind: 'tcp' | 'tls' | 'memory' | 'mptcp' | 'sctp';
  readonly counters: Readonly<TransportCounters>;
  /** @throws TransportError */
  listen(options: ListenOptions): Promise<Listener>;
  /**
   * Over TLS this settles before the server has judged our certificate: a refusal comes as `onClose` with
   * `peer` or `failed` (Node's server closes without an alert), so wait for the first answer of the protocol above before believing in the connection.
   * @throws TransportError
   */
  connect(options: ConnectOptions): Promise<Connection>;
}

/** Since the transport was made. */
export interface TransportCounters {
  accepted: number;
  connected: number;
  /** Dropped because the listener was at `connectionsMax`. */
  droppedAtCap: number;
  handshakeFailed: number;
  frameFaults: number;
  frameTimeouts: number;
  sendQueueFull: number;
  /** Connections that should be MPTCP and are TCP, because an end, or a box between them, lacks it. */
  fellBack: number;
}

export function transportCounters(): TransportCounters {
  return {
    accepted: 0,
    connected: 0,
    droppedAtCap: 0,
    handshakeFailed: 0,
    frameFaults: 0,
    frameTimeouts: 0,
    sendQueueFull: 0,
    fellBack: 0,
  };
}

/** Bounds of every connection of a transport. */
export interface ConnectionLimits {
  /** Bytes handed to `send` and not yet taken by the kernel. Default 1 MiB. */
  readonly sendQueueBytesMax: number;
  /**
   * Time to finish a begun frame; on accepted connections also the time until the first frame begins and
   * ends. Default 10 s.
   */
  readonly frameTimeoutMs: number;
  /** Connecting with its handshake, and an accepted handshake. Default 5 s. */
  readonly handshakeTimeoutMs: number;
  /** From `close` to cutting off. Default 1 s. */
  readonly closeTimeoutMs: number;
  /**
   * TCP: after so long a silence the kernel asks whether the other end is still there, whole seconds; ten questions without an answer, a
   * second apart, end the connection. Other kinds do so by themselves, or cannot break. Default 10 s. @see RFC 9293 §3.8.4
   */
  readonly keepAliveMs: number;
}

export const defaultLimits: ConnectionLimits = {
  sendQueueBytesMax: 1024 * 1024,
  frameTimeoutMs: 10_000,
  handshakeTimeoutMs: 5_000,
  closeTimeoutMs: 1_000,
  keepAliveMs: 10_000,
};

export const defaultConnectionsMax = 1024;
