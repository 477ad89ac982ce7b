// SPDX-License-Identifier: Apache-2.0
import { FrameError, type FrameRule } from '../framing/frame-rule.ts';
import { Framer } from '../framing/framer.ts';
import { FrameTimer } from '../stream/frame-timer.ts';
import type {
  CertificateIdentity,
  CloseCode,
  CloseReason,
  Connection,
  ConnectionEnd,
  ConnectionLimits,
  Peer,
  TransportCounters,
} from '../stream/stream-transport.ts';

export interface MemoryConnectionOptions {
  readonly local: ConnectionEnd;
  readonly peer: Peer;
  readonly accepted: boolean;
  readonly rule: FrameRule;
  readonly limits: ConnectionLimits;
  readonly counters: TransportCounters;
  readonly ownIdentity: CertificateIdentity | null;
}

/** One end of a stream in memory. What is sent waits at the sender until the other end reads. */
export class MemoryConnection implements Connection {
  readonly peer: Peer;
  readonly local: ConnectionEnd;
  readonly multipath = false;
  readonly ownIdentity: CertificateIdentity | null;
  readonly #options: MemoryConnectionOptions;
  readonly #framer: Framer;
  readonly #closeHandlers: ((reason: CloseReason) => void)[] = [];
  #other: MemoryConnection | null = null;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #moving = false;
  #ending = false;
  #frameHandler: ((frame: Uint8Array, protocol: number) => void) | null = null;
  readonly #frameTimer: FrameTimer;
  #closed: CloseReason | null = null;

  constructor(options: MemoryConnectionOptions) {
    this.#options = options;
    this.#frameTimer = new FrameTimer(options.limits.frameTimeoutMs, (what) => {
      options.counters.frameTimeouts += 1;
      this.#abandon('frame-timeout', what);
    });
    this.peer = options.peer;
    this.local = options.local;
    this.ownIdentity = options.ownIdentity;
    this.#framer = new Framer(options.rule);
    if (options.accepted) this.#frameTimer.arm();
  }

  get closed(): CloseReason | null {
    return this.#closed;
  }

  /** @internal */
  join(other: MemoryConnection): void {
    this.#other = other;
    this.#move();
  }

  send(frame: Uint8Array): boolean {
    if (this.#closed !== null) return false;
    const queued = this.#queuedBytes + frame.length;
    const most = this.#options.limits.sendQueueBytesMax;
    if (queued > most) {
      this.#options.counters.sendQueueFull += 1;
      this.#abandon('send-queue-full', `${queued} octets to send, at most ${most} are kept`);
      return false;
    }
    this.#queue.push(frame);
    this.#queuedBytes = queued;
    this.#move();
    return true;
  }

  onFrame(handler: (frame: Uint8Array, protocol: number) => void): void {
    if (this.#frameHandler !== null) throw new Error('onFrame was called twice');
    this.#frameHandler = handler;
    if (this.#other !== null) this.#other.#move();
  }

  onClose(handler: (reason: CloseReason) => void): void {
    const closed = this.#closed;
    if (closed === null) this.#closeHandlers.push(handler);
    else queueMicrotask(() => handler(closed));
  }

  close(message = 'closed by us'): void {
    if (this.#closed !== null) return;
    this.#ending = true;
    this.#finish('local', message);
    this.#move();
  }

  roundTripMs(): null {
    return null;
  }

  /** Carries the queue over, a microtask later, once the other end reads; then the end, if there is one. */
  #move(): void {
    if (this.#moving) return;
    this.#moving = true;
    queueMicrotask(() => {
      this.#moving = false;
      const other = this.#other;
      if (other === null || (other.#frameHandler === null && other.#closed === null)) return;
      const chunks = this.#queue;
      this.#queue = [];
      this.#queuedBytes = 0;
      for (const chunk of chunks) other.#read(chunk);
      if (this.#ending) other.#ended();
    });
  }

  #read(chunk: Uint8Array): void {
    const handler = this.#frameHandler;
    if (this.#closed !== null || handler === null) return;
    try {
      this.#framer.feed(chunk);
      for (let frame = this.#framer.next(); frame !== null; frame = this.#framer.next()) {
        this.#frameTimer.disarm();
        handler(frame, 0);
        if (this.#closed !== null) return;
      }
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.#options.counters.frameFaults += 1;
      this.#abandon(error.code, error.message);
      return;
    }
    if (this.#framer.midFrame) this.#frameTimer.arm();
  }

  #ended(): void {
    if (this.#closed !== null) return;
    if (this.#framer.midFrame) {
      this.#options.counters.frameFaults += 1;
      this.#finish('frame-truncated', 'the peer closed within a frame');
    } else {
      this.#finish('peer', 'the peer closed the connection');
    }
  }

  /** Cuts both ways: what was queued is lost, and the peer sees the end at once. */
  #abandon(code: CloseCode, message: string): void {
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#finish(code, message);
    const other = this.#other;
    if (other !== null) queueMicrotask(() => other.#finish('peer', 'the peer cut the connection'));
  }

  #finish(code: CloseCode, message: string): void {
    if (this.#closed !== null) return;
    this.#closed = { code, message };
    this.#frameTimer.disarm();
    for (const handler of this.#closeHandlers.splice(0)) handler(this.#closed);
  }
}
