// SPDX-License-Identifier: Apache-2.0
import type { StateAsk, StateHello, StateMessage, TransferOutcome } from '@vnfpool/wire/state-channel';
import type { Core } from '../core.ts';
import { Deadlines } from '../deadlines/index.ts';
import { aborted } from './abort-reasons.ts';
import { admission, answerStranger } from './admission.ts';
import { Channel, earlier, wireText } from './channel.ts';
import { Importer } from './importer.ts';
import type { PartFault } from './part-receiver.ts';
import { TransferRules } from './rules.ts';
import type {
  AbortReason,
  DestinationInput,
  DestinationOptions,
  DestinationOutput,
  DestinationPhase,
  DestinationRecord,
  TransferReport,
  Verdict,
} from './types.ts';

/**
 * - `open`: the token was not used in time
 * - `progress`: something of the source or of the function
 * - `hold`: complete state, and no `commit`
 * - `inquire`: ask the manager
 * - `activate`: once more, after a restart
 * - `retain`: the outcome was kept long enough
 */
type DestinationTimer = 'open' | 'progress' | 'hold' | 'inquire' | 'activate' | 'retain';

const ACTIVATE_AGAIN_MS = 1000;

/**
 * The end that gets the state. It owns nothing until `commit` arrives in time, and decides by taking it; whatever fails
 * before, it discards.
 */
export class TransferDestination implements Core<DestinationInput, DestinationOutput> {
  readonly #options: DestinationOptions;
  readonly #rules: TransferRules;
  readonly #timers = new Deadlines<TransferDestination, DestinationTimer>();
  readonly #channel: Channel;
  readonly #importer: Importer;
  #phase: DestinationPhase = 'prepared';
  #out: DestinationOutput[] = [];
  #sessions: number | null = null;
  /** Whether an earlier life may have told the source that it is over. */
  readonly #isRestored: boolean;
  #discardedBecause = 'the function did not take over';

  /**
   * `restored`: what `persist` last said before the process ended. `functionLives`: the function that took the state
   * survived it; what one that ended had taken is gone, and with it the transfer.
   */
  constructor(options: DestinationOptions, restored: DestinationRecord | null = null, functionLives = false) {
    this.#options = options;
    this.#rules = options.rules ?? new TransferRules();
    this.#channel = new Channel(options.aliveMs ?? 1000, options.silenceMs ?? 5000, (output) =>
      this.#out.push(output),
    );
    this.#importer = new Importer(
      options,
      this.#rules,
      (message, nowMs) => this.#channel.send(message, nowMs),
      (output) => this.#out.push(output),
    );
    this.#isRestored = restored !== null;
    if (restored === null) return;
    this.#sessions = restored.sessions;
    this.#discardedBecause =
      restored.phase === 'open' ? 'the agent restarted before commit came' : 'the function ended';
    this.#phase = restored.phase === 'committed' && functionLives ? 'activating' : 'discarding';
  }

  get phase(): DestinationPhase {
    return this.#phase;
  }

  handle(input: DestinationInput, nowMs: number): DestinationOutput[] {
    switch (input.type) {
      case 'start':
        this.#start();
        break;
      case 'opened':
        this.#opened(input.connection, input.peer, input.message, nowMs);
        break;
      case 'disconnected':
        if (!this.#channel.is(input.connection)) break;
        this.#channel.lost();
        this.#lost('the connection is gone', nowMs);
        break;
      case 'malformed':
        if (this.#channel.is(input.connection)) this.#broken(input.reason, nowMs);
        break;
      case 'message':
        if (!this.#channel.is(input.connection)) break;
        this.#channel.heard(nowMs);
        this.#message(input.message, nowMs);
        break;
      case 'consumed':
        this.#consumed(input.bytes, nowMs);
        break;
      case 'imported':
        this.#imported(input.part, input.sessions, nowMs);
        break;
      case 'activated':
        if (this.#phase === 'activating') this.#committed(nowMs);
        break;
      case 'failed':
        this.#failed(input.reason, nowMs);
        break;
      case 'gone':
        this.#gone(nowMs);
        break;
      case 'discarded':
        if (this.#phase === 'discarding') this.#discarded(nowMs);
        break;
      case 'cancel':
        if (this.#isUndecided) this.#abort('cancelled', 'cancelled by the manager', nowMs);
        break;
      case 'verdict':
        this.#verdict(input.verdict, nowMs);
        break;
    }
    return this.#taken();
  }

  expire(nowMs: number): DestinationOutput[] {
    if (this.#channel.expire(nowMs)) this.#lost('the source is silent', nowMs);
    for (let due = this.#timers.take(nowMs); due !== undefined; due = this.#timers.take(nowMs)) {
      if (due.timer === 'retain') {
        this.#channel.close('forgotten');
        this.#out.push({ type: 'persist', record: null }, { type: 'forgotten' });
      } else if (due.timer === 'inquire') this.#inquire(nowMs);
      else if (due.timer === 'activate') this.#activate();
      else this.#abort('timeout', `no ${due.timer} in time`, nowMs);
    }
    return this.#taken();
  }

  nextDeadline(): number | undefined {
    return earlier(this.#timers.next(), this.#channel.nextDeadline());
  }

  /** How far it is. */
  report(nowMs: number): TransferReport {
    return { phase: this.#phase, ...this.#importer.report(nowMs) };
  }

  get #isUndecided(): boolean {
    return this.#phase === 'prepared' || this.#phase === 'importing' || this.#phase === 'ready';
  }

  #taken(): DestinationOutput[] {
    const out = this.#out;
    this.#out = [];
    return out;
  }

  #start(): void {
    if (this.#phase === 'prepared') this.#timers.set(this, 'open', this.#options.tokenUntilMs);
    else if (this.#phase === 'activating') this.#activate();
    else if (this.#phase === 'discarding') this.#out.push({ type: 'discard' });
  }

  // ------------------------------------------------------------ the channel

  #opened(connection: number, peer: number | null, message: StateHello | StateAsk, nowMs: number): void {
    const isOurs = admission(message, peer, this.#options.order);
    if (!isOurs || (message.type === 'hello' && !this.#isTokenGood(nowMs))) {
      this.#out.push({ type: 'send', connection, message: answerStranger(message) });
      this.#out.push({ type: 'close', connection, reason: 'token not valid here' });
      return;
    }
    this.#channel.open(connection, nowMs);
    if (message.type === 'ask') this.#asked(nowMs);
    else this.#welcome(message, nowMs);
  }

  /** Once, and in time. */
  #isTokenGood(nowMs: number): boolean {
    return this.#phase === 'prepared' && nowMs <= this.#options.tokenUntilMs;
  }

  #welcome(hello: StateHello, nowMs: number): void {
    this.#phase = 'importing';
    this.#timers.clear(this, 'open');
    this.#progress(nowMs);
    this.#record('open');
    this.#importer.open(hello, nowMs);
  }

  #asked(nowMs: number): void {
    // Who asks has sent `commit`, so all state was here: it is not, so it was lost.
    if (this.#phase === 'prepared' || this.#phase === 'importing')
      this.#abort('lost-connection', 'the source asks for an outcome', nowMs, true);
    const outcomes: Readonly<Partial<Record<DestinationPhase, TransferOutcome>>> = {
      committed: 'committed',
      aborted: 'aborted',
    };
    const outcome = outcomes[this.#phase] ?? 'undecided';
    this.#channel.send({ type: 'outcome', outcome, sessions: this.#sessions }, nowMs);
  }

  #message(message: StateMessage, nowMs: number): void {
    switch (message.type) {
      case 'alive':
        return;
      case 'commit':
        this.#commit(message, nowMs);
        return;
      case 'cancel':
        if (this.#isUndecided) this.#abort(message.reason, message.text, nowMs);
        return;
      case 'begin':
      case 'chunk':
      case 'mark':
        if (this.#phase !== 'importing') break;
        if (!this.#faulty(this.#importer.take(message), nowMs)) this.#progress(nowMs);
        return;
      default:
    }
    this.#broken(`${message.type} while ${this.#phase}`, nowMs);
  }

  #lost(text: string, nowMs: number): void {
    if (this.#phase === 'importing') this.#abort('lost-connection', text, nowMs);
    // Complete state waits: `commit` may have been sent.
    else if (this.#phase === 'ready') this.#inquire(nowMs);
  }

  #broken(text: string, nowMs: number): void {
    if (this.#isUndecided) this.#abort('protocol', text, nowMs);
    else this.#channel.close(wireText(text));
  }

  // ------------------------------------------------------------ parts

  #faulty(fault: PartFault | null, nowMs: number): boolean {
    if (fault !== null) this.#abort(fault.reason, fault.text, nowMs);
    return fault !== null;
  }

  #consumed(bytes: number, nowMs: number): void {
    if (this.#phase !== 'importing') return;
    this.#progress(nowMs);
    this.#importer.consumed(bytes, nowMs);
  }

  #imported(part: number, sessions: number | null, nowMs: number): void {
    if (this.#phase !== 'importing') return;
    if (this.#faulty(this.#importer.imported(part, sessions), nowMs)) return;
    this.#progress(nowMs);
    if (this.#importer.isLast) {
      this.#phase = 'ready';
      this.#sessions = sessions ?? this.#importer.sessions;
      this.#timers.clear(this, 'progress');
      this.#timers.set(this, 'hold', nowMs + (this.#options.holdMs ?? 30_000));
    }
    this.#importer.confirm(nowMs);
  }

  #progress(nowMs: number): void {
    this.#timers.set(this, 'progress', nowMs + (this.#options.progressMs ?? 30_000));
  }

  // ------------------------------------------------------------ the end

  #commit(message: StateMessage & { type: 'commit' }, nowMs: number): void {
    if (this.#phase === 'activating') return;
    if (this.#phase === 'committed') {
      this.#channel.send({ type: 'committed', sessions: this.#sessions }, nowMs);
      return;
    }
    if (!this.#rules.mayCommit(this.#phase)) {
      if (this.#isUndecided) this.#abort('protocol', 'commit before all state was in', nowMs);
      else if (this.#phase === 'aborted') this.#sayAborted('cancelled', 'given up before', nowMs);
      return;
    }
    const total = { bytes: message.totalBytes, crc: message.totalCrc };
    if (this.#rules.isIntact(total, this.#importer.total)) this.#decide();
    else this.#abort('integrity', 'commit of something else', nowMs);
  }

  #verdict(verdict: Verdict, nowMs: number): void {
    if (verdict === 'aborted') {
      if (this.#isUndecided) this.#abort('verdict', 'the manager gave it up', nowMs);
    } else if (this.#rules.mayCommit(this.#phase)) this.#decide();
  }

  /** The one moment at which ownership passes. */
  #decide(): void {
    this.#phase = 'activating';
    this.#timers.clearAll(this);
    if (this.#rules.remembersCommit()) this.#record('committed');
    this.#activate();
  }

  #activate(): void {
    this.#out.push({ type: 'activate', mode: this.#options.order.mode, sessions: this.#sessions });
  }

  #committed(nowMs: number): void {
    this.#phase = 'committed';
    const { sessions } = this.#endWith(nowMs);
    this.#channel.send({ type: 'committed', sessions }, nowMs);
    this.#out.push({ type: 'ended', outcome: 'committed', sessions, pauseMs: null });
  }

  #inquire(nowMs: number): void {
    if (this.#phase !== 'ready' || this.#channel.isOpen) return;
    this.#timers.set(this, 'inquire', nowMs + (this.#options.inquireMs ?? 2000));
    this.#out.push({ type: 'inquire' });
  }

  #failed(text: string, nowMs: number): void {
    if (this.#isUndecided) this.#abort('function', text, nowMs);
    else if (this.#phase !== 'activating') return;
    // The source may have ended for it: there is no way back, only another try.
    else if (this.#isRestored) this.#timers.set(this, 'activate', nowMs + ACTIVATE_AGAIN_MS);
    else {
      // It may own something already: nobody may hear of the end before it does not.
      this.#phase = 'discarding';
      this.#out.push({ type: 'discard' });
    }
  }

  /** What the function had is lost: a source that does not know the outcome is better off with its own. */
  #gone(nowMs: number): void {
    if (this.#isUndecided) this.#abort('function', 'the function ended', nowMs);
    else if (this.#phase === 'activating' || this.#phase === 'discarding') this.#discarded(nowMs);
    else if (this.#phase === 'committed') {
      this.#phase = 'aborted';
      this.#record('aborted');
    }
  }

  #discarded(nowMs: number): void {
    this.#phase = 'aborted';
    this.#record('aborted');
    this.#endWith(nowMs);
    this.#sayAborted('function', this.#discardedBecause, nowMs);
    this.#out.push({ type: 'ended', ...aborted('function', this.#discardedBecause) });
  }

  #abort(reason: AbortReason, text: string, nowMs: number, keepsChannel = false): void {
    this.#phase = 'aborted';
    this.#endWith(nowMs);
    if (!keepsChannel) this.#sayAborted(reason, text, nowMs);
    this.#out.push({ type: 'discard' }, { type: 'ended', ...aborted(reason, text) });
  }

  #sayAborted(reason: AbortReason, text: string, nowMs: number): void {
    const said = reason === 'verdict' || reason === 'refused' || reason === 'lost-connection';
    this.#channel.send({ type: 'cancel', reason: said ? 'cancelled' : reason, text: wireText(text) }, nowMs);
    this.#channel.close(reason);
  }

  #endWith(nowMs: number): { readonly sessions: number | null } {
    this.#timers.clearAll(this);
    this.#timers.set(this, 'retain', nowMs + (this.#options.retainMs ?? 600_000));
    return { sessions: this.#sessions };
  }

  #record(phase: DestinationRecord['phase']): void {
    const record = { ...this.#options.order, phase, sessions: this.#sessions };
    this.#out.push({ type: 'persist', record });
  }
}
