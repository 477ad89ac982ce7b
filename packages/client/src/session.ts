// SPDX-License-Identifier: Apache-2.0
import { SessionCore, type SessionEvent, type SessionInput, type SessionOutput } from '@vnfpool/core/session';
import { type Clock, CoreDriver } from '@vnfpool/runtime/driver';
import { systemRandom } from '@vnfpool/runtime/random';
import type { PoolElement as FoundElement } from '@vnfpool/wire/parameters';
import type { Heard } from './channel/channel-codec.ts';
import { DataChannel } from './channel/data-channel.ts';
import { type ChannelTransports, codecFor, defaultMessageBytesMax } from './channel/open-channel.ts';
import { octetsOf } from './client-options.ts';
import { MessageQueue } from './message-queue.ts';
import { PoolError } from './pool-error.ts';
import { SendTurns } from './send-turns.ts';
import type { SendOptions, SessionOptions } from './session-options.ts';

/** What a session needs of the pool user that opened it. */
export interface SessionParts {
  readonly poolHandle: Uint8Array;
  readonly transports: ChannelTransports;
  readonly clock: Clock;
  /** The one chosen first. */
  readonly resolve: (fresh: boolean) => Promise<readonly FoundElement[]>;
  readonly unreachable: (elementId: number, report: boolean) => void;
  /** Called once. */
  readonly onOver: (session: Session) => void;
}

interface OutgoingMessage {
  readonly data: Uint8Array;
  readonly mayMove: boolean;
}

interface Channel {
  readonly attempt: AbortController;
  data: DataChannel | null;
}

/** Senders that wait for room at most. */
const WAITING_MAX = 1024;

/**
 * A session with a pool: one element serves it, another goes on when that one is lost. Read it by `for await`; it ends
 * when the element or we end it, and throws when no element is left.
 * @see RFC 5352 §6
 */
export class Session implements AsyncIterable<Uint8Array> {
  readonly poolHandle: Uint8Array;
  readonly #parts: SessionParts;
  readonly #options: SessionOptions;
  readonly #core: SessionCore;
  readonly #driver: CoreDriver<SessionInput, SessionOutput>;
  readonly #channels = new Map<number, Channel>();
  readonly #received: MessageQueue;
  #current: DataChannel | null = null;
  /** Whose end of congestion is waited for. */
  #draining: DataChannel | null = null;
  readonly #turns: SendTurns<OutgoingMessage>;
  #sent = 0;
  #over: { readonly error: PoolError | null } | null = null;
  #opened: { readonly resolve: () => void; readonly reject: (error: Error) => void } | null = null;

  /** @internal By `PoolUser.open`. */
  constructor(parts: SessionParts, options: SessionOptions) {
    this.#parts = parts;
    this.#options = options;
    this.poolHandle = parts.poolHandle;
    this.#core = new SessionCore({ ...options, poolHandle: parts.poolHandle }, systemRandom());
    this.#received = new MessageQueue({
      bytesMax: options.receiveBytesMax ?? 1024 * 1024,
      onFull: () => this.#current?.pause() ?? false,
      onRoom: () => this.#current?.resume(),
      onOverflow: () =>
        this.#fail(
          new PoolError('overloaded', 'messages come faster than they are read, and cannot be held back'),
        ),
    });
    this.#turns = new SendTurns<OutgoingMessage>({
      waitingMax: WAITING_MAX,
      hasRoom: ({ data }) => this.#hasRoom(data.length),
      take: (message) => {
        // First the number: submitting may let the next one in.
        const number = ++this.#sent;
        this.#driver.submit({ type: 'send', ...message });
        return number;
      },
    });
    this.#driver = new CoreDriver<SessionInput, SessionOutput>({
      core: this.#core,
      clock: parts.clock,
      effects: {
        resolve: ({ request, fresh }) => this.#resolve(request, fresh),
        unreachable: ({ elementId, report }) => {
          parts.unreachable(elementId, report);
        },
        connect: ({ channel, element }) => this.#connect(channel, element),
        disconnect: ({ channel, ended }) => this.#disconnect(channel, ended),
        control: ({ channel, message }) => this.#channels.get(channel)?.data?.sendControl(message),
        greet: ({ channel }) => this.#channels.get(channel)?.data?.greet(),
        transmit: ({ channel, data }) => this.#channels.get(channel)?.data?.send(data),
        event: (event) => this.#event(event),
      },
      onFault: ({ error }) => this.#fail(new PoolError('internal', 'the session failed', error)),
    });
  }

  /** The element in use; undefined while there is none. */
  get element(): FoundElement | undefined {
    return this.#core.element;
  }

  /** Over, whichever way. */
  get over(): boolean {
    return this.#over !== null;
  }

  /** @internal Settles when an element has it; the signal bounds this alone. */
  open(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => this.#fail(new PoolError('aborted', 'opening was aborted', signal.reason));
      const settled = (): void => signal.removeEventListener('abort', onAbort);
      this.#opened = {
        resolve: () => {
          settled();
          resolve();
        },
        reject: (error) => {
          settled();
          reject(error);
        },
      };
      if (signal.aborted) return onAbort();
      signal.addEventListener('abort', onAbort, { once: true });
      this.#driver.submit({ type: 'open' });
    });
  }

  /**
   * Sends a message, or, where the pool has a plain stream, some octets. Settles with its number, counted from 1, when
   * it was taken over; waits while too much is on its way.
   * @throws PoolError
   */
  async send(message: string | Uint8Array, options: SendOptions = {}): Promise<number> {
    const data = octetsOf(message);
    const { messageBytesMax = defaultMessageBytesMax } = this.#options;
    if (data.length > messageBytesMax)
      throw new RangeError(`a message of ${data.length} octets, at most ${messageBytesMax} are sent`);
    const number = await this.#turns.send({ data, mayMove: options.failover ?? true }, options.signal);
    await this.#current?.drained();
    return number;
  }

  /** The element has processed all messages up to this number: they are not sent again, nor returned. */
  acknowledge(upTo: number): void {
    this.#driver.submit({ type: 'acknowledge', upTo });
    this.#turns.pump();
  }

  /** Goes on at another element: this one is too slow, say. `report` tells the registrar that it is unreachable. */
  failOver(reason: string, { report = false }: { readonly report?: boolean } = {}): void {
    this.#driver.submit({ type: 'fail-over', reason, report });
  }

  /** Ends the session; what was sent still goes out. */
  close(): void {
    this.#driver.submit({ type: 'close' });
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    return this.#received[Symbol.asyncIterator]() as AsyncIterator<Uint8Array, undefined>;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  #resolve(request: number, fresh: boolean): void {
    this.#parts.resolve(fresh).then(
      (elements) => this.#driver.submit({ type: 'candidates', request, elements }),
      (error: Error) => {
        if (this.#opened !== null && error instanceof PoolError && error.code === 'unknown-pool')
          this.#fail(error);
        else this.#driver.submit({ type: 'no-candidates', request, reason: error.message });
      },
    );
  }

  #connect(channel: number, element: FoundElement): void {
    const attempt = new AbortController();
    const entry: Channel = { attempt, data: null };
    this.#channels.set(channel, entry);
    const closed = (how: 'ended' | 'closed' | 'failed', reason: string): void => {
      if (this.#current === entry.data) this.#current = null;
      this.#channels.delete(channel);
      this.#driver.submit({ type: 'closed', channel, how, reason });
    };
    const open = async (): Promise<void> => {
      const { messageBytesMax = defaultMessageBytesMax, heartbeatMs = 2000 } = this.#options;
      const codec = codecFor(element.userTransport, messageBytesMax);
      const connection = await this.#parts.transports.connect(element, codec, attempt.signal);
      if (!this.#channels.has(channel)) return connection.close();
      const data = new DataChannel(connection, {
        codec,
        clock: this.#parts.clock,
        heartbeatMs,
        onHeard: (heard) => this.#heard(channel, heard),
        onEnd: closed,
      });
      entry.data = data;
      this.#current = data;
      if (this.#received.full) data.pause();
      this.#driver.submit({ type: 'connected', channel, control: data.control });
    };
    open().catch((error: unknown) => {
      if (this.#channels.has(channel))
        closed('failed', error instanceof Error ? error.message : String(error));
    });
  }

  #disconnect(channel: number, ended: boolean): void {
    const entry = this.#channels.get(channel);
    this.#channels.delete(channel);
    if (entry === undefined) return;
    if (this.#current === entry.data) this.#current = null;
    entry.attempt.abort();
    entry.data?.close(ended);
  }

  #heard(channel: number, heard: Heard): void {
    // A heartbeat shows that somebody is there, not that the session is served.
    if (heard.type === 'data' || heard.type === 'control') this.#driver.submit({ type: 'heard', channel });
    if (heard.type === 'control') this.#driver.submit({ type: 'control', channel, message: heard.message });
    else if (heard.type === 'data') this.#received.push(heard.data);
  }

  #event(event: SessionEvent): void {
    if (event.event === 'opened') {
      this.#opened?.resolve();
      this.#opened = null;
    } else if (event.event === 'ended') {
      this.#finish(null);
    } else if (event.event === 'failed') {
      this.#finish(new PoolError('unreachable', `no element serves the session: ${event.reason}`));
    }
    this.#turns.pump();
    this.#options.onEvent?.(event);
  }

  #fail(error: PoolError): void {
    if (this.#over !== null) return;
    for (const channel of this.#channels.keys()) this.#disconnect(channel, false);
    this.#finish(error);
  }

  #finish(error: PoolError | null): void {
    if (this.#over !== null) return;
    this.#over = { error };
    this.#received.end(error);
    this.#opened?.reject(error ?? new PoolError('closed', 'the session was closed'));
    this.#opened = null;
    this.#driver.stop();
    this.#turns.end(error ?? new PoolError('closed', 'the session is over'));
    this.#parts.onOver(this);
  }

  /** Neither kept too much, nor too much on its way. */
  #hasRoom(bytes: number): boolean {
    if (!this.#core.hasRoom(bytes)) return false;
    const channel = this.#current;
    if (channel === null || !channel.congested) return true;
    if (this.#draining !== channel) {
      this.#draining = channel;
      void channel.drained().then(() => {
        if (this.#draining === channel) this.#draining = null;
        this.#turns.pump();
      });
    }
    return false;
  }
}
