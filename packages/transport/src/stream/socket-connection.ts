// SPDX-License-Identifier: Apache-2.0
import type { Socket } from 'node:net';
import { tcpRoundTripMs } from '@vnfpool/platform/tcp';
import { FrameError, type FrameRule } from '../framing/frame-rule.ts';
import { Framer } from '../framing/framer.ts';
import { descriptorOf } from './descriptor.ts';
import { socketFlow } from './socket-flow.ts';
import type {
  CertificateIdentity,
  CloseCode,
  CloseReason,
  Connection,
  ConnectionEnd,
  ConnectionLimits,
  FlowControl,
  Peer,
  TransportCounters,
} from './stream-transport.ts';
import { transportError } from './transport-error.ts';

export interface SocketConnectionOptions {
  readonly rule: FrameRule;
  readonly limits: ConnectionLimits;
  readonly counters: TransportCounters;
  readonly identity: CertificateIdentity | null;
  readonly sharedKeyIdentity?: string | undefined;
  /** Default false. */
  readonly multipath?: boolean;
  /** Accepted connections must show a first frame in time. */
  readonly accepted: boolean;
}

/** A connection over a Node socket, plain or TLS, that is connected already. */
export class SocketConnection implements Connection {
  readonly peer: Peer;
  readonly local: ConnectionEnd;
  readonly multipath: boolean;
  readonly flow: FlowControl;
  readonly #socket: Socket;
  readonly #framer: Framer;
  readonly #limits: ConnectionLimits;
  readonly #counters: TransportCounters;
  readonly #closeHandlers: ((reason: CloseReason) => void)[] = [];
  #frameHandler: ((frame: Uint8Array, protocol: number) => void) | null = null;
  #frameTimer: NodeJS.Timeout | undefined;
  #corked = false;
  #closed: CloseReason | null = null;

  constructor(socket: Socket, options: SocketConnectionOptions) {
    this.#socket = socket;
    this.flow = socketFlow(socket);
    this.#framer = new Framer(options.rule);
    this.#limits = options.limits;
    this.#counters = options.counters;
    const remote = socket.remoteAddress ?? '';
    const own = socket.localAddress ?? '';
    this.multipath = options.multipath ?? false;
    this.peer = {
      address: remote,
      addresses: [remote],
      port: socket.remotePort ?? 0,
      identity: options.identity,
      ...(options.sharedKeyIdentity === undefined ? {} : { sharedKeyIdentity: options.sharedKeyIdentity }),
    };
    this.local = { address: own, addresses: [own], port: socket.localPort ?? 0 };
    socket.setNoDelay(true);
    socket.on('error', (error) => this.#fail(error));
    socket.on('end', () => this.#ended());
    socket.on('close', () => this.#finish('peer', 'the peer closed the connection'));
    if (options.accepted) this.#armFrameTimer();
  }

  get closed(): CloseReason | null {
    return this.#closed;
  }

  send(frame: Uint8Array): boolean {
    if (this.#closed !== null) return false;
    const queued = this.#socket.writableLength + frame.length;
    if (queued > this.#limits.sendQueueBytesMax) {
      this.#counters.sendQueueFull += 1;
      this.#abandon(
        'send-queue-full',
        `${queued} octets to send, at most ${this.#limits.sendQueueBytesMax} are kept`,
      );
      return false;
    }
    if (!this.#corked) {
      // Frames of one turn leave in one system call (and one TLS record).
      this.#corked = true;
      this.#socket.cork();
      process.nextTick(() => {
        this.#corked = false;
        this.#socket.uncork();
      });
    }
    this.#socket.write(frame);
    return true;
  }

  onFrame(handler: (frame: Uint8Array, protocol: number) => void): void {
    if (this.#frameHandler !== null) throw new Error('onFrame was called twice');
    this.#frameHandler = handler;
    this.#socket.on('data', (chunk: Uint8Array) => this.#read(chunk, handler));
  }

  onClose(handler: (reason: CloseReason) => void): void {
    const closed = this.#closed;
    if (closed === null) this.#closeHandlers.push(handler);
    else queueMicrotask(() => handler(closed));
  }

  close(message = 'closed by us'): void {
    if (this.#closed !== null) return;
    const socket = this.#socket;
    const cut = setTimeout(() => socket.destroy(), this.#limits.closeTimeoutMs);
    socket.once('close', () => clearTimeout(cut));
    socket.end();
    // Reading on and dropping it: closing with unread octets would reset the stream and lose our last frames.
    socket.resume();
    this.#finish('local', message);
  }

  roundTripMs(): number | null {
    const fd = descriptorOf(this.#socket);
    return fd === null ? null : tcpRoundTripMs(fd);
  }

  #read(chunk: Uint8Array, handler: (frame: Uint8Array, protocol: number) => void): void {
    if (this.#closed !== null) return;
    try {
      this.#framer.feed(chunk);
      for (let frame = this.#framer.next(); frame !== null; frame = this.#framer.next()) {
        this.#disarmFrameTimer();
        handler(frame, 0);
        if (this.#closed !== null) return;
      }
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.#counters.frameFaults += 1;
      this.#abandon(error.code, error.message);
      return;
    }
    if (this.#framer.midFrame) this.#armFrameTimer();
  }

  /** One timer: for the first frame since the connection was accepted, then for each frame once begun. */
  #armFrameTimer(): void {
    this.#frameTimer ??= setTimeout(() => {
      this.#counters.frameTimeouts += 1;
      this.#abandon('frame-timeout', `no whole frame within ${this.#limits.frameTimeoutMs} ms`);
    }, this.#limits.frameTimeoutMs);
  }

  #disarmFrameTimer(): void {
    clearTimeout(this.#frameTimer);
    this.#frameTimer = undefined;
  }

  #ended(): void {
    if (this.#framer.midFrame && this.#closed === null) {
      this.#counters.frameFaults += 1;
      this.#finish('frame-truncated', 'the peer closed within a frame');
    } else {
      this.#finish('peer', 'the peer closed the connection');
    }
    // What is still queued goes out (allowHalfOpen is off), but not for ever.
    const cut = setTimeout(() => this.#socket.destroy(), this.#limits.closeTimeoutMs);
    this.#socket.once('close', () => clearTimeout(cut));
  }

  #fail(cause: Error): void {
    const error = transportError(`connection with ${this.peer.address}:${this.peer.port}`, cause);
    this.#finish('failed', error.message, error);
  }

  #abandon(code: CloseCode, message: string): void {
    this.#socket.destroy();
    this.#finish(code, message);
  }

  #finish(code: CloseCode, message: string, error?: CloseReason['error']): void {
    if (this.#closed !== null) return;
    this.#closed = error === undefined ? { code, message } : { code, message, error };
    this.#disarmFrameTimer();
    for (const handler of this.#closeHandlers.splice(0)) handler(this.#closed);
  }
}
