// SPDX-License-Identifier: Apache-2.0
import { READABLE, type Watch, WRITABLE, watch } from '@vnfpool/platform/readiness';
import type { PathChange, SctpNotification, SctpPath, SctpSocket } from '@vnfpool/platform/sctp';
import { FrameError } from '../framing/frame-rule.ts';
import { FrameTimer } from '../stream/frame-timer.ts';
import type {
  CloseCode,
  CloseReason,
  Connection,
  ConnectionEnd,
  ConnectionLimits,
  FlowControl,
  FrameFault,
  Peer,
  TransportCounters,
} from '../stream/stream-transport.ts';
import { transportError } from '../stream/transport-error.ts';
import { MessageAssembly } from './message-assembly.ts';
import { SendQueue } from './send-queue.ts';

/** Messages taken in one turn of the loop, so that one busy association does not starve the others. */
const MESSAGES_A_TURN = 64;

export interface SctpConnectionOptions {
  readonly messageBytesMax: number;
  readonly limits: ConnectionLimits;
  readonly counters: TransportCounters;
  /** Payload protocol of what is sent without one. */
  readonly protocol: number;
  /** Payload protocols that the peer may use; null: any. */
  readonly protocols: ReadonlySet<number> | null;
  /** Accepted connections must show a first message in time. */
  readonly accepted: boolean;
  /** The socket is closed; the reason was told before. */
  readonly onReleased: () => void;
}

/** An association over a kernel socket. One frame is one user message. */
export class SctpConnection implements Connection {
  readonly local: ConnectionEnd;
  readonly flow: FlowControl;
  readonly #socket: SctpSocket;
  readonly #watch: Watch;
  readonly #options: SctpConnectionOptions;
  readonly #assembly: MessageAssembly;
  readonly #queue = new SendQueue();
  readonly #closeHandlers: ((reason: CloseReason) => void)[] = [];
  readonly #pathHandlers: ((change: PathChange) => void)[] = [];
  #peer: Peer;
  #paused = false;
  #frameHandler: ((frame: Uint8Array, protocol: number) => void) | null = null;
  readonly #frameTimer: FrameTimer;
  #cutTimer: NodeJS.Timeout | undefined;
  #closed: CloseReason | null = null;
  #faultHandler: ((fault: FrameFault) => void) | null = null;
  /** What comes is dropped. */
  #faulted = false;
  #released = false;

  /** @param socket connected */
  constructor(socket: SctpSocket, options: SctpConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#frameTimer = new FrameTimer(options.limits.frameTimeoutMs, (what) => {
      options.counters.frameTimeouts += 1;
      this.#abandon('frame-timeout', what);
    });
    this.#assembly = new MessageAssembly(options.messageBytesMax);
    const [own, ...others] = socket.localAddresses();
    this.local = {
      address: own?.address ?? '',
      port: own?.port ?? 0,
      addresses: own === undefined ? [] : [own, ...others].map(({ address }) => address),
    };
    this.#peer = this.#readPeer();
    this.flow = this.#flow();
    this.#watch = watch(socket.fd, (events) => this.#ready(events));
    if (options.accepted) this.#frameTimer.arm();
  }

  /** Its addresses change when the peer adds or takes away some (RFC 5061). */
  get peer(): Peer {
    return this.#peer;
  }

  get multipath(): boolean {
    return this.#peer.addresses.length > 1 || this.local.addresses.length > 1;
  }

  get closed(): CloseReason | null {
    return this.#closed;
  }

  send(frame: Uint8Array, protocol: number = this.#options.protocol): boolean {
    if (this.#closed !== null) return false;
    // SCTP has no empty user messages.
    if (frame.length === 0) return true;
    try {
      if (this.#queue.isEmpty && this.#socket.send(frame, protocol)) return true;
    } catch (error) {
      this.#fail(error);
      return false;
    }
    const { limits, counters } = this.#options;
    const queued = this.#queue.bytes + frame.length;
    if (queued > limits.sendQueueBytesMax) {
      counters.sendQueueFull += 1;
      this.#abandon(
        'send-queue-full',
        `${queued} octets to send, at most ${limits.sendQueueBytesMax} are kept`,
      );
      return false;
    }
    this.#queue.add(frame, protocol);
    this.#want();
    return true;
  }

  onFrame(handler: (frame: Uint8Array, protocol: number) => void): void {
    if (this.#frameHandler !== null) throw new Error('onFrame was called twice');
    this.#frameHandler = handler;
    this.#want();
  }

  onFault(handler: (fault: FrameFault) => void): void {
    this.#faultHandler = handler;
  }

  onClose(handler: (reason: CloseReason) => void): void {
    const closed = this.#closed;
    if (closed === null) this.#closeHandlers.push(handler);
    else queueMicrotask(() => handler(closed));
  }

  /** Told of each change of a path, from when frames are taken over. Several handlers may be added. */
  onPath(handler: (change: PathChange) => void): void {
    this.#pathHandlers.push(handler);
  }

  /** The paths as the kernel sees them now; none once closed. */
  paths(): SctpPath[] {
    if (this.#released) return [];
    return this.#socket.peerAddresses().map((place) => this.#socket.path(place));
  }

  close(message = 'closed by us'): void {
    if (this.#closed !== null) return;
    // Set before the handlers run; what arrives from here on is read and dropped, since unread octets at the
    // close would turn the graceful end into an abort.
    clearTimeout(this.#cutTimer);
    this.#cutTimer = setTimeout(() => this.#release('abort'), this.#options.limits.closeTimeoutMs);
    this.#finish('local', message);
    if (this.#queue.isEmpty) this.#socket.shutdown();
    this.#want();
  }

  roundTripMs(): number | null {
    if (this.#released) return null;
    try {
      return this.#socket.roundTripMs();
    } catch {
      // The association is gone, and reading has not told yet.
      return null;
    }
  }

  #want(): void {
    if (this.#released) return;
    const reads = (this.#frameHandler !== null && !this.#paused) || this.#closed !== null;
    this.#watch.want((reads ? READABLE : 0) | (this.#queue.isEmpty ? 0 : WRITABLE));
  }

  #ready(events: number): void {
    try {
      if ((events & WRITABLE) !== 0) this.#flush();
      if ((events & READABLE) !== 0 && !this.#released) this.#read();
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.#options.counters.frameFaults += 1;
      this.#unframeable(error);
    }
  }

  /** Lets whoever wants to say why, and ends the association. */
  #unframeable({ code, message }: FrameFault): void {
    const handler = this.#faultHandler;
    if (handler === null) return this.#abandon(code, message);
    this.#faulted = true;
    this.#frameTimer.disarm();
    handler({ code, message });
    if (this.#closed !== null) return;
    this.#cutTimer = setTimeout(() => this.#abandon(code, message), this.#options.limits.closeTimeoutMs);
  }

  #flush(): void {
    try {
      this.#queue.flush((frame, protocol) => this.#socket.send(frame, protocol));
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#queue.tellDrained();
    if (this.#released) return;
    if (this.#queue.isEmpty && this.#closed !== null) this.#socket.shutdown();
    this.#want();
  }

  #flow(): FlowControl {
    const queue = this.#queue;
    const pause = (paused: boolean): void => {
      this.#paused = paused;
      this.#frameTimer.hold(paused);
      this.#want();
    };
    return {
      get queuedBytes() {
        return queue.bytes;
      },
      onDrained: (handler) => queue.onDrained(() => this.#closed === null && handler()),
      pause: () => pause(true),
      resume: () => pause(false),
    };
  }

  #read(): void {
    for (let count = 0; count < MESSAGES_A_TURN && !this.#released; count += 1) {
      if (this.#paused && this.#closed === null) return;
      const received = this.#receive();
      if (received === null || received.type === 'nothing') return;
      if (received.type === 'end') return this.#ended();
      if (received.type === 'notification') this.#notified(received.notification);
      else if (this.#closed === null && !this.#faulted)
        this.#take(received.data, received.protocol, received.type === 'message');
    }
  }

  #receive(): ReturnType<SctpSocket['receive']> | null {
    try {
      return this.#socket.receive();
    } catch (error) {
      this.#fail(error);
      return null;
    }
  }

  #take(data: Uint8Array, protocol: number, isWhole: boolean): void {
    const { protocols } = this.#options;
    if (protocols !== null && !protocols.has(protocol)) {
      throw new FrameError('frame-malformed', `a message of payload protocol ${protocol}, not admitted here`);
    }
    const frame = this.#assembly.add(data, isWhole);
    if (frame === null) return this.#frameTimer.arm();
    this.#frameTimer.disarm();
    this.#frameHandler?.(frame, protocol);
  }

  #notified(notification: SctpNotification): void {
    if (notification.type === 'partial-delivery-aborted') {
      this.#assembly.drop();
    } else if (notification.type === 'path') {
      const { address, state } = notification;
      if (state === 'added' || state === 'removed') this.#peer = this.#readPeer();
      for (const handler of this.#pathHandlers) handler({ address, state });
    } else if (notification.type === 'association') {
      // A restarted peer has forgotten what was said before, and whoever is above us has not.
      if (notification.change === 'restarted') {
        this.#abandon('peer', 'the peer restarted the association');
      } else if (notification.change === 'lost') {
        this.#fail(this.#socket.takeError() ?? new Error('the association was lost'));
      } else if (notification.change === 'shut-down') {
        // Who began the shutdown reads no end of the stream afterwards, only this.
        this.#ended();
      }
    }
  }

  #ended(): void {
    if (this.#assembly.midMessage && this.#closed === null) {
      this.#options.counters.frameFaults += 1;
      this.#finish('frame-truncated', 'the peer closed within a message');
    } else {
      this.#finish('peer', 'the peer closed the connection');
    }
    this.#release('close');
  }

  #fail(cause: unknown): void {
    const error = transportError(`association with ${this.#peer.address}:${this.#peer.port}`, cause);
    this.#release('close');
    this.#finish('failed', error.message, error);
  }

  #abandon(code: CloseCode, message: string): void {
    this.#release('abort');
    this.#finish(code, message);
  }

  #release(how: 'close' | 'abort'): void {
    if (this.#released) return;
    this.#released = true;
    this.#queue.drop();
    clearTimeout(this.#cutTimer);
    this.#watch.end();
    this.#socket[how]();
    this.#options.onReleased();
  }

  #finish(code: CloseCode, message: string, error?: CloseReason['error']): void {
    if (this.#closed !== null) return;
    this.#closed = error === undefined ? { code, message } : { code, message, error };
    this.#frameTimer.disarm();
    for (const handler of this.#closeHandlers.splice(0)) handler(this.#closed);
  }

  #readPeer(): Peer {
    const [first, ...others] = this.#socket.peerAddresses();
    return {
      address: first?.address ?? '',
      port: first?.port ?? 0,
      addresses: first === undefined ? [] : [first, ...others].map(({ address }) => address),
      identity: null,
    };
  }
}
