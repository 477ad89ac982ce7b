// SPDX-License-Identifier: Apache-2.0
import type { AsapMessage } from '@vnfpool/wire/asap';
import type { PoolElement } from '@vnfpool/wire/parameters';
import type { Core, Random } from '../core.ts';
import { Deadlines } from '../deadlines/deadlines.ts';
import type { SessionEvent, SessionInput, SessionOptions, SessionOutput } from './messages.ts';
import { type ReturnedMessage, SendBuffer } from './send-buffer.ts';
import { StandIns } from './stand-ins.ts';

const DEFAULTS = {
  resend: 'unsent',
  triesMax: 8,
  failoverTimeoutMs: 30_000,
  connectTimeoutMs: 5_000,
  pauseMs: 200,
  settleMs: 5_000,
  messagesMax: 1024,
  bytesMax: 1024 * 1024,
  cookieBytesMax: 32_768,
  standInsMax: 32,
} as const;

type Options = Required<Omit<SessionOptions, 'peerClose' | 'businessCard'>> &
  Pick<SessionOptions, 'peerClose' | 'businessCard'>;

/** `connecting` and `up` have a channel to an element. */
type State =
  | { readonly name: 'idle' | 'pausing' | 'over' }
  | { readonly name: 'resolving'; readonly request: number }
  | { readonly name: 'connecting'; readonly channel: number; readonly element: PoolElement }
  | {
      readonly name: 'up';
      readonly channel: number;
      readonly element: PoolElement;
      readonly control: boolean;
      /** Data went to it, or came from it. */
      used: boolean;
    };

type Timer = 'connect' | 'pause' | 'failover' | 'settle';

/**
 * A session with a pool: goes on at another element when the one in use is lost.
 *
 * Detect, report, drop from the cache, choose (business card, then cache, then registrar), connect, cookie echo before
 * anything else, data that is to be sent again, event.
 * @see RFC 5352 §3.8, §3.9, §6
 */
export class SessionCore implements Core<SessionInput, SessionOutput> {
  readonly #options: Options;
  readonly #random: Random;
  readonly #buffer: SendBuffer;
  readonly #standIns: StandIns;
  readonly #deadlines = new Deadlines<SessionCore, Timer>();
  #state: State = { name: 'idle' };
  #lastRequest = 0;
  #lastChannel = 0;
  /** Of the element that had the session last; undefined: it was not open yet. */
  #former: PoolElement | undefined;
  #lostMs = 0;
  #cookie: Uint8Array | undefined;
  /** Elements tried since one proved good. */
  #tries = 0;
  #lastReason = '';
  #returned: ReturnedMessage[] = [];
  #outputs: SessionOutput[] = [];

  constructor(options: SessionOptions, random: Random) {
    this.#options = { ...DEFAULTS, ...options };
    this.#random = random;
    this.#buffer = new SendBuffer(this.#options);
    this.#standIns = new StandIns(options.poolHandle, this.#options.standInsMax);
  }

  /** The element in use; undefined: none at the moment. */
  get element(): PoolElement | undefined {
    return this.#state.name === 'up' ? this.#state.element : undefined;
  }

  /** Whether a message of this length can be taken now; `send` beyond that is kept all the same. */
  hasRoom(bytes: number): boolean {
    return this.#buffer.hasRoom(bytes);
  }

  handle(input: SessionInput, nowMs: number): SessionOutput[] {
    if (this.#state.name !== 'over') this.#handle(input, nowMs);
    return this.#drain();
  }

  expire(nowMs: number): SessionOutput[] {
    for (let due = this.#deadlines.take(nowMs); due !== undefined; due = this.#deadlines.take(nowMs)) {
      if (due.timer === 'failover') this.#fail(`no element within ${this.#options.failoverTimeoutMs} ms`);
      else if (due.timer === 'settle') this.#provedGood();
      else if (due.timer === 'pause') this.#resolve(true);
      else this.#lose('not connected in time', true, nowMs);
    }
    return this.#drain();
  }

  nextDeadline(): number | undefined {
    return this.#deadlines.next();
  }

  #handle(input: SessionInput, nowMs: number): void {
    const state = this.#state;
    switch (input.type) {
      case 'open':
        if (state.name === 'idle') this.#begin(nowMs);
        break;
      case 'candidates':
        if (state.name === 'resolving' && state.request === input.request)
          this.#choose(input.elements, nowMs);
        break;
      case 'no-candidates':
        if (state.name === 'resolving' && state.request === input.request) this.#nobody(input.reason, nowMs);
        break;
      case 'connected':
        if (state.name === 'connecting' && state.channel === input.channel)
          this.#connected(state.element, input.channel, input.control, nowMs);
        break;
      case 'closed':
        this.#closed(input, nowMs);
        break;
      case 'send':
        this.#buffer.add(input.data, input.mayMove);
        if (state.name === 'up') this.#transmit(state);
        break;
      case 'acknowledge':
        this.#buffer.acknowledge(input.upTo);
        break;
      case 'control':
        if (state.name === 'up' && state.channel === input.channel) this.#control(input.message);
        break;
      case 'heard':
        if (state.name === 'up' && state.channel === input.channel) {
          state.used = true;
          this.#provedGood();
        }
        break;
      case 'fail-over':
        if (state.name === 'up' || state.name === 'connecting') {
          this.#outputs.push({ type: 'disconnect', channel: state.channel, ended: false });
          this.#lose(input.reason, input.report, nowMs);
        }
        break;
      case 'close':
        this.#disconnect(true);
        this.#over({ type: 'event', event: 'ended', reason: 'closed by us', returned: this.#giveBack() });
        break;
    }
  }

  /** Opening, and every failover. */
  #begin(nowMs: number): void {
    this.#deadlines.set(this, 'failover', nowMs + this.#options.failoverTimeoutMs);
    const recommended = this.#standIns.recommended();
    if (recommended === undefined) this.#resolve(false);
    else this.#connect(recommended, nowMs);
  }

  #resolve(fresh: boolean): void {
    const request = ++this.#lastRequest;
    this.#state = { name: 'resolving', request };
    this.#outputs.push({ type: 'resolve', request, fresh });
  }

  #choose(elements: readonly PoolElement[], nowMs: number): void {
    const element = this.#standIns.among(elements);
    if (element === undefined) this.#pause(nowMs);
    else this.#connect(element, nowMs);
  }

  /** A pool that is unknown may be back in a moment: its last element may be registering anew. */
  #nobody(reason: string, nowMs: number): void {
    this.#lastReason = reason;
    this.#tries += 1;
    if (this.#former === undefined || this.#tries >= this.#options.triesMax) this.#fail(reason);
    else this.#pause(nowMs);
  }

  /** Once around: who failed a moment ago may be back. */
  #pause(nowMs: number): void {
    this.#standIns.reset();
    this.#state = { name: 'pausing' };
    const pauseMs = this.#options.pauseMs * (0.5 + this.#random.fraction());
    this.#deadlines.set(this, 'pause', nowMs + pauseMs);
  }

  #connect(element: PoolElement, nowMs: number): void {
    if (this.#tries >= this.#options.triesMax) {
      this.#fail(`${this.#tries} elements tried; the last: ${this.#lastReason}`);
      return;
    }
    this.#tries += 1;
    this.#standIns.tried(element.id);
    const channel = ++this.#lastChannel;
    this.#state = { name: 'connecting', channel, element };
    this.#deadlines.set(this, 'connect', nowMs + this.#options.connectTimeoutMs);
    this.#outputs.push({ type: 'connect', channel, element });
  }

  #connected(element: PoolElement, channel: number, control: boolean, nowMs: number): void {
    this.#deadlines.clear(this, 'connect');
    this.#deadlines.clear(this, 'failover');
    this.#deadlines.set(this, 'settle', nowMs + this.#options.settleMs);
    const state: State = { name: 'up', channel, element, control, used: false };
    this.#state = state;
    const cookie = control ? this.#cookie : undefined;
    if (cookie !== undefined)
      this.#outputs.push({ type: 'control', channel, message: { type: 'cookie-echo', cookie } });
    else if (control) this.#outputs.push({ type: 'greet', channel });
    const { businessCard } = this.#options;
    if (control && businessCard !== undefined)
      this.#outputs.push({ type: 'control', channel, message: businessCard });
    const resent = this.#transmit(state);
    const from = this.#former;
    this.#former = element;
    if (from === undefined) {
      this.#outputs.push({ type: 'event', event: 'opened', element });
      return;
    }
    this.#outputs.push({
      type: 'event',
      event: 'failed-over',
      from,
      to: element,
      cookieSent: cookie !== undefined,
      resent,
      returned: this.#takeReturned(),
      tookMs: nowMs - this.#lostMs,
    });
  }

  #closed({ channel, how, reason }: Extract<SessionInput, { type: 'closed' }>, nowMs: number): void {
    const state = this.#state;
    if (state.name === 'connecting' && state.channel === channel) {
      this.#lose(reason, true, nowMs);
      return;
    }
    if (state.name !== 'up' || state.channel !== channel) return;
    const peerClose = this.#options.peerClose ?? (state.control ? 'fail-over' : 'end');
    if (how === 'ended' || (how === 'closed' && peerClose === 'end')) {
      this.#over({ type: 'event', event: 'ended', reason, returned: this.#giveBack() });
    } else {
      this.#lose(reason, state.used, nowMs);
    }
  }

  /** The element in use, or being connected, is lost. */
  #lose(reason: string, report: boolean, nowMs: number): void {
    const state = this.#state;
    if (state.name !== 'up' && state.name !== 'connecting') return;
    const { element } = state;
    this.#deadlines.clear(this, 'settle');
    this.#deadlines.clear(this, 'connect');
    this.#lastReason = reason;
    this.#outputs.push({ type: 'unreachable', elementId: element.id, report });
    if (state.name === 'up') {
      // Bounded by the buffer for each element that is lost before the application hears of it.
      this.#returned.push(...this.#buffer.lost());
      if (this.#tries === 0) this.#standIns.reset();
      this.#standIns.tried(element.id);
      this.#lostMs = nowMs;
      this.#outputs.push({ type: 'event', event: 'failing-over', element, reason });
      this.#begin(nowMs);
      return;
    }
    // Over at last, or after an attempt that took too long, when it has to be called off.
    this.#outputs.push({ type: 'disconnect', channel: state.channel, ended: false });
    const recommended = this.#standIns.recommended();
    if (recommended === undefined) this.#resolve(false);
    else this.#connect(recommended, nowMs);
  }

  #control(message: AsapMessage): void {
    if (message.type === 'cookie') {
      const bytes = message.cookie.length;
      const kept = bytes <= this.#options.cookieBytesMax;
      if (kept) this.#cookie = message.cookie;
      this.#outputs.push({ type: 'event', event: 'cookie', bytes, kept });
    } else if (message.type === 'business-card' && this.#standIns.take(message)) {
      this.#outputs.push({ type: 'event', event: 'business-card', elements: message.elements });
    }
  }

  #transmit(state: Extract<State, { name: 'up' }>): number {
    const messages = this.#buffer.take();
    if (messages.length > 0) state.used = true;
    for (const data of messages) this.#outputs.push({ type: 'transmit', channel: state.channel, data });
    return messages.length;
  }

  #provedGood(): void {
    this.#tries = 0;
    this.#deadlines.clear(this, 'settle');
  }

  #disconnect(ended: boolean): void {
    const state = this.#state;
    if (state.name === 'up' || state.name === 'connecting')
      this.#outputs.push({ type: 'disconnect', channel: state.channel, ended });
  }

  #fail(reason: string): void {
    this.#disconnect(false);
    this.#over({ type: 'event', event: 'failed', reason, returned: this.#giveBack() });
  }

  #over(event: SessionEvent): void {
    this.#state = { name: 'over' };
    this.#deadlines.clearAll(this);
    this.#outputs.push(event);
  }

  #giveBack(): ReturnedMessage[] {
    return [...this.#takeReturned(), ...this.#buffer.drain()];
  }

  #takeReturned(): ReturnedMessage[] {
    const returned = this.#returned;
    this.#returned = [];
    return returned;
  }

  #drain(): SessionOutput[] {
    const outputs = this.#outputs;
    this.#outputs = [];
    return outputs;
  }
}
