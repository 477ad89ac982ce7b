// SPDX-License-Identifier: Apache-2.0
import type { Socket } from 'node:net';
import { tcpRoundTripMs } from '@vnfpool/platform/tcp';
import { FrameError, type FrameRule } from '../framing/frame-rule.ts';
import { Framer } from '../framing/framer.ts';
import { descriptorOf } from './descriptor.ts';
import { FrameTimer } from './frame-timer.ts';
import { socketFlow } from './socket-flow.ts';
import type {
  CertificateIdentity,
  CloseCode,
  CloseReason,
  Connection,
  ConnectionEnd,
  ConnectionLimits,
  FlowControl,
  FrameFault,
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

/**
 * From so many frames of one turn on they leave by one write: a system call costs several times as much as an answer
 * of a registrar. Fewer leave one by one, each in a segment of its own, because analysers take one message from a
 * segment. TLS hides them anyway, and a record costs more than a write.
 */
const BULK_FRAMES = 16;
/** So many octets do not wait for the end of the turn: the first of a long turn would be late. */
const BULK_BYTES = 32 * 1024;

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
  readonly #frameTimer: FrameTimer;
  /** Frames of this turn, not written yet. */
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #flushes: 'after-read' | 'next-tick' | null = null;
  #closed: CloseReason | null = null;
  #faultHandler: ((fault: FrameFault) => void) | null = null;
  /** What comes is dropped. */
  #faulted = false;

  constructor(socket: Socket, options: SocketConnectionOptions) {
    this.#socket = socket;
    this.flow = socketFlow(
      socket,
      () => this.#flush(),
      (paused) => this.#frameTimer.hold(paused),
    );
    this.#framer = new Framer(options.rule);
    this.#limits = options.limits;
    this.#frameTimer = new FrameTimer(options.limits.frameTimeoutMs, (what) => {
      this.#counters.frameTimeouts += 1;
      this.#abandon('frame-timeout', what);
    });
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
    // The other end may have gone unheard, and protocols above may have nothing to say for minutes.
    socket.setKeepAlive(true, options.limits.keepAliveMs);
    socket.on('error', (error) => this.#fail(error));
    socket.on('end', () => this.#ended());
    socket.on('close', () => this.#finish('peer', 'the peer closed the connection'));
    if (options.accepted) this.#frameTimer.arm();
  }

  get closed(): CloseReason | null {
    return this.#closed;
  }

  send(frame: Uint8Array): boolean {
    if (this.#closed !== null) return false;
    const queued = this.#socket.writableLength + this.#pendingBytes + frame.length;
    if (queued > this.#limits.sendQueueBytesMax) {
      this.#counters.sendQueueFull += 1;
      this.#abandon(
        'send-queue-full',
        `${queued} octets to send, at most ${this.#limits.sendQueueBytesMax} are kept`,
      );
      return false;
    }
    this.#pending.push(frame);
    this.#pendingBytes += frame.length;
    if (this.#pendingBytes >= BULK_BYTES) {
      this.#flush();
    } else if (this.#flushes === null) {
      this.#flushes = 'next-tick';
      process.nextTick(() => {
        this.#flushes = null;
        this.#flush();
      });
    }
    return true;
  }

  onFrame(handler: (frame: Uint8Array, protocol: number) => void): void {
    if (this.#frameHandler !== null) throw new Error('onFrame was called twice');
    this.#frameHandler = handler;
    this.#socket.on('data', (chunk: Uint8Array) => this.#read(chunk, handler));
  }

  onFault(handler: (fault: FrameFault) => void): void {
    this.#faultHandler = handler;
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
    this.#flush();
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
    if (this.#closed !== null || this.#faulted) return;
    // Those of a tick that is to come leave now: they are before what this chunk leads to.
    this.#flush();
    const scheduled = this.#flushes;
    this.#flushes = 'after-read';
    try {
      this.#framer.feed(chunk);
      for (let frame = this.#framer.next(); frame !== null; frame = this.#framer.next()) {
        this.#frameTimer.disarm();
        handler(frame, 0);
        if (this.#closed !== null) return;
      }
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.#counters.frameFaults += 1;
      this.#unframeable(error);
      return;
    } finally {
      this.#flushes = scheduled;
      this.#flush();
    }
    if (this.#framer.midFrame) this.#frameTimer.arm();
  }

  /** Lets whoever wants to say why, and ends the connection. */
  #unframeable({ code, message }: FrameFault): void {
    const handler = this.#faultHandler;
    if (handler === null) return this.#abandon(code, message);
    this.#faulted = true;
    this.#frameTimer.disarm();
    handler({ code, message });
    if (this.#closed !== null) return;
    const cut = setTimeout(() => this.#abandon(code, message), this.#limits.closeTimeoutMs);
    this.#socket.once('close', () => clearTimeout(cut));
  }

  #flush(): void {
    const frames = this.#pending;
    const first = frames[0];
    if (first === undefined) return;
    const bytes = this.#pendingBytes;
    this.#pending = [];
    this.#pendingBytes = 0;
    const socket = this.#socket;
    // Ended by the other end meanwhile.
    if (!socket.writable) return;
    if (frames.length === 1) socket.write(first);
    else if (bytes >= BULK_BYTES) {
      // By one write, too, and without memory of our own for all of it.
      socket.cork();
      for (const frame of frames) socket.write(frame);
      socket.uncork();
    } else if (frames.length >= BULK_FRAMES || 'encrypted' in socket)
      socket.write(Buffer.concat(frames, bytes));
    else for (const frame of frames) socket.write(frame);
  }

  #ended(): void {
    this.#flush();
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
    this.#frameTimer.disarm();
    for (const handler of this.#closeHandlers.splice(0)) handler(this.#closed);
  }
}
