// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '@vnfpool/runtime/driver';
import type { Connection, Peer } from '@vnfpool/transport/stream';
import type { PoolElement as FoundElement } from '@vnfpool/wire/parameters';
import type { ChannelCodec, Heard } from './channel/channel-codec.ts';
import { type ChannelEnd, DataChannel } from './channel/data-channel.ts';
import { octetsOf } from './client-options.ts';
import type { CookieFault, CookieSeal } from './cookie-seal.ts';
import { MessageQueue } from './message-queue.ts';
import { PoolError } from './pool-error.ts';

/** Serves one session; it is closed when this settles. */
export type SessionHandler = (session: ServedSession) => Promise<void> | void;

export interface ServeOptions {
  /** Seals state on its way through users; without it anybody can make up a state. */
  readonly cookies?: CookieSeal;
  /** Who should stand in for us, the best first; told at the start of each session as our business card. */
  readonly standIns?: () => readonly FoundElement[];
  /** Sessions at once; more are refused by closing. Default 1024. */
  readonly sessionsMax?: number;
  /** Octets that wait to be read, from which on a user is held back. Default 1 MiB. */
  readonly receiveBytesMax?: number;
  /** Octets of one message at most, where messages have boundaries. Default 256 KiB. */
  readonly messageBytesMax?: number;
  /** Over TCP and TLS with control: silence after which the user is asked. Default 2000 ms. */
  readonly heartbeatMs?: number;
  /** How long to wait for a cookie where a new session cannot be told from one that goes on: SCTP. Default 100 ms. */
  readonly cookieGraceMs?: number;
  /** A state that was not believed: the session begins without it. */
  readonly onCookieRefused?: (fault: CookieFault, peer: Peer) => void;
  /** What a handler threw. */
  readonly onError?: (error: unknown) => void;
}

/** @internal */
export interface ServedSessionParts {
  readonly codec: ChannelCodec;
  readonly clock: Clock;
  readonly poolHandle: Uint8Array;
  readonly options: ServeOptions;
  readonly onReady: (session: ServedSession) => void;
  /** Called once. */
  readonly onOver: (session: ServedSession) => void;
}

/** One user's session at an element. Read it by `for await`. */
export class ServedSession implements AsyncIterable<Uint8Array> {
  /** The user. */
  readonly peer: Peer;
  /** Whether cookies and business cards can be sent. */
  readonly control: boolean;
  readonly #parts: ServedSessionParts;
  readonly #channel: DataChannel;
  readonly #received: MessageQueue;
  readonly #ending = new AbortController();
  #restored: Uint8Array | null = null;
  #name: string | null = null;
  #ready = false;
  #stopGrace: () => void = () => {};

  /** @internal */
  constructor(connection: Connection, parts: ServedSessionParts) {
    const { codec, clock, options } = parts;
    this.#parts = parts;
    this.peer = connection.peer;
    this.control = codec.control;
    this.#received = new MessageQueue({
      bytesMax: options.receiveBytesMax ?? 1024 * 1024,
      onFull: () => this.#channel.pause(),
      onRoom: () => this.#channel.resume(),
      onOverflow: () =>
        this.#end('failed', 'messages come faster than they are read, and cannot be held back'),
    });
    this.#channel = new DataChannel(connection, {
      codec,
      clock,
      heartbeatMs: options.heartbeatMs ?? 2000,
      onHeard: (heard) => this.#heard(heard),
      onEnd: (how, reason) => this.#end(how, reason),
    });
    if (!codec.control) this.#begin();
    else if (!codec.marks)
      this.#stopGrace = clock.at(clock.nowMs() + (options.cookieGraceMs ?? 100), () => this.#begin());
  }

  /** The state that the element before us left with the user; null: a new session, or a state that is not believed. */
  get restored(): Uint8Array | null {
    return this.#restored;
  }

  /** Aborted when the session is over. */
  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  /** Settles when the message is taken over; waits while too much is on its way. @throws PoolError `closed` */
  async send(message: string | Uint8Array): Promise<void> {
    if (this.signal.aborted) throw this.signal.reason;
    this.#channel.send(octetsOf(message));
    await this.#channel.drained();
  }

  /**
   * Leaves the state of the session with the user, who brings it to whoever goes on; only the latest counts. False: there
   * is no control channel.
   */
  saveState(state: string | Uint8Array): boolean {
    if (!this.control || this.signal.aborted) return false;
    const { cookies } = this.#parts.options;
    const octets = octetsOf(state);
    if (cookies === undefined) {
      this.#channel.sendControl({ type: 'cookie', cookie: octets });
    } else {
      this.#name ??= cookies.newSession();
      this.#channel.sendControl({ type: 'cookie', cookie: cookies.seal(octets, this.#name) });
    }
    return true;
  }

  /** Recommends who should stand in for us, the best first. At least one. */
  recommend(elements: readonly FoundElement[]): void {
    if (!this.control || this.signal.aborted || elements.length === 0) return;
    this.#channel.sendControl({ type: 'business-card', poolHandle: this.#parts.poolHandle, elements });
  }

  /** Ends the session on purpose: its user does not go on elsewhere. */
  close(): void {
    if (this.signal.aborted) return;
    this.#channel.close(true);
    this.#over(null);
  }

  /** @internal Lets the user go on elsewhere. */
  drop(): void {
    if (this.signal.aborted) return;
    this.#channel.close(false);
    this.#over(null);
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    return this.#received[Symbol.asyncIterator]() as AsyncIterator<Uint8Array, undefined>;
  }

  #heard(heard: Heard): void {
    if (heard.type === 'control') {
      // First of all, or not at all.
      if (heard.message.type === 'cookie-echo' && !this.#ready) this.#restore(heard.message.cookie);
      else return;
    } else if (heard.type === 'data') {
      this.#received.push(heard.data);
    }
    this.#begin();
  }

  #restore(cookie: Uint8Array): void {
    const { cookies, onCookieRefused } = this.#parts.options;
    if (cookies === undefined) {
      this.#restored = cookie;
      return;
    }
    const opened = cookies.open(cookie);
    if (typeof opened === 'string') {
      onCookieRefused?.(opened, this.peer);
      return;
    }
    this.#restored = opened.state;
    this.#name = opened.session;
  }

  #begin(): void {
    if (this.#ready || this.signal.aborted) return;
    this.#ready = true;
    this.#stopGrace();
    const standIns = this.#parts.options.standIns?.() ?? [];
    this.recommend(standIns);
    // The caller has us only after the constructor. One that is over by then may still have something to read.
    queueMicrotask(() => this.#parts.onReady(this));
  }

  #end(how: ChannelEnd, reason: string): void {
    this.#over(how === 'failed' ? new PoolError('closed', `the session is lost: ${reason}`) : null);
  }

  #over(error: PoolError | null): void {
    if (this.signal.aborted) return;
    this.#stopGrace();
    this.#ending.abort(error ?? new PoolError('closed', 'the session is over'));
    this.#received.end(error);
    this.#parts.onOver(this);
  }
}
