// SPDX-License-Identifier: Apache-2.0
import type { PartKind, StateMessage } from '@vnfpool/wire/state-channel';
import type { Core } from '../core.ts';
import { Deadlines } from '../deadlines/index.ts';
import { aborted } from './abort-reasons.ts';
import { Channel, earlier, wireText } from './channel.ts';
import { Exporter } from './exporter.ts';
import { TransferRules } from './rules.ts';
import {
  type AbortReason,
  EXPORT_CHUNK_BYTES_MAX,
  type SourceInput,
  type SourceOptions,
  type SourceOutput,
  type SourcePhase,
  type SourceRecord,
  type TransferReport,
  type Verdict,
} from './types.ts';

/**
 * - `connect`: channel open and welcomed
 * - `progress`: something of the function or of the peer
 * - `transfer`: all of it, up to the pause
 * - `pause`: last delta complete after the order to quiesce
 * - `retry`: next connection while in doubt, or while connecting
 * - `inquire`: ask the manager
 */
type SourceTimer = 'connect' | 'progress' | 'transfer' | 'pause' | 'retry' | 'inquire';

const RETRY_MS_MIN = 100;
const RETRY_MS_MAX = 2000;

/**
 * The end that has the state. It serves until the last delta, and again after whatever fails before `commit` was sent;
 * from then on only the outcome tells who serves.
 */
export class TransferSource implements Core<SourceInput, SourceOutput> {
  readonly #options: SourceOptions;
  readonly #rules: TransferRules;
  readonly #timers = new Deadlines<TransferSource, SourceTimer>();
  readonly #channel: Channel;
  readonly #exporter: Exporter;
  #phase: SourcePhase;
  readonly #out: SourceOutput[] = [];
  /** What `commit` says, and where sessions that were moved are reached. */
  #known: Pick<SourceRecord, 'totalBytes' | 'totalCrc' | 'forward'> = { totalBytes: 0, totalCrc: 0 };
  #pausedAtMs: number | null = null;
  #isRecorded = false;
  #retryMs = RETRY_MS_MIN;

  /** `restored`: what `persist` last said before the process ended; the function is still there. */
  constructor(options: SourceOptions, restored: SourceRecord | null = null) {
    const selected = options.selection?.length ?? 0;
    if (restored === null && (options.order.mode === 'sessions') !== selected > 0)
      throw new RangeError(`a transfer by ${options.order.mode} with ${selected} selections`);
    this.#options = options;
    this.#rules = options.rules ?? new TransferRules();
    this.#channel = new Channel(options.aliveMs ?? 1000, options.silenceMs ?? 5000, (output) =>
      this.#out.push(output),
    );
    this.#exporter = new Exporter(
      options,
      (message, nowMs) => this.#channel.send(message, nowMs),
      (output) => this.#out.push(output),
    );
    this.#phase = restored?.phase ?? 'connecting';
    if (restored === null) return;
    this.#isRecorded = true;
    this.#known = restored;
  }

  get phase(): SourcePhase {
    return this.#phase;
  }

  handle(input: SourceInput, nowMs: number): SourceOutput[] {
    switch (input.type) {
      case 'start':
        this.#start(nowMs);
        break;
      case 'connected':
        this.#connected(input.connection, nowMs);
        break;
      case 'connect-failed':
        if (this.#phase === 'connecting' || this.#phase === 'doubt') this.#retry(nowMs);
        break;
      case 'disconnected':
        if (!this.#channel.is(input.connection)) break;
        this.#channel.lost();
        this.#lost('lost-connection', 'the connection is gone', nowMs);
        break;
      case 'malformed':
        if (this.#channel.is(input.connection)) this.#broken(input.reason, nowMs);
        break;
      case 'message':
        if (!this.#channel.is(input.connection)) break;
        this.#channel.heard(nowMs);
        this.#message(input.message, nowMs);
        break;
      case 'exported-chunk':
        this.#chunk(input.part, input.octets, nowMs);
        break;
      case 'exported':
        this.#exported(input, nowMs);
        break;
      case 'quiesced':
        if (this.#phase === 'quiescing') this.#export('last', nowMs);
        break;
      case 'failed':
        if (this.#isBeforeCommit) this.#abort('function', input.reason, nowMs);
        break;
      case 'finished':
        if (this.#phase === 'committed') this.#forget();
        break;
      case 'cancel':
        if (this.#isBeforeCommit) this.#abort('cancelled', 'cancelled by the manager', nowMs);
        break;
      case 'verdict':
        this.#verdict(input.verdict, nowMs);
        break;
    }
    return this.#taken();
  }

  expire(nowMs: number): SourceOutput[] {
    if (this.#channel.expire(nowMs)) this.#lost('lost-connection', 'the destination is silent', nowMs);
    for (let due = this.#timers.take(nowMs); due !== undefined; due = this.#timers.take(nowMs)) {
      if (due.timer === 'retry') this.#out.push({ type: 'connect' });
      else if (due.timer === 'inquire') this.#inquire(nowMs);
      else this.#abort('timeout', `no ${due.timer} in time`, nowMs);
    }
    return this.#taken();
  }

  nextDeadline(): number | undefined {
    return earlier(this.#timers.next(), this.#channel.nextDeadline());
  }

  /** How far it is. */
  report(nowMs: number): TransferReport {
    return { phase: this.#phase, ...this.#exporter.report(nowMs) };
  }

  get #isBeforeCommit(): boolean {
    return this.#phase !== 'doubt' && this.#phase !== 'committed' && this.#phase !== 'aborted';
  }

  get #pauseLimitMs(): number {
    const { pauseMaxMs = 1000, pauseLimitMs = 5000 } = this.#options;
    return Math.max(pauseMaxMs, pauseLimitMs);
  }

  #taken(): SourceOutput[] {
    return this.#out.splice(0);
  }

  #start(nowMs: number): void {
    if (this.#phase === 'committed') {
      this.#finish();
      return;
    }
    if (this.#phase === 'doubt' && this.#options.isLeased === true)
      this.#timers.set(this, 'pause', nowMs + this.#pauseLimitMs);
    else if (this.#phase === 'doubt') this.#timers.set(this, 'inquire', nowMs);
    else {
      this.#timers.set(this, 'connect', nowMs + (this.#options.connectMs ?? 5000));
      this.#timers.set(this, 'transfer', nowMs + (this.#options.transferMs ?? 600_000));
    }
    this.#out.push({ type: 'connect' });
  }

  #connected(connection: number, nowMs: number): void {
    if ((this.#phase !== 'connecting' && this.#phase !== 'doubt') || this.#channel.isOpen) {
      this.#out.push({ type: 'close', connection, reason: 'not wanted any more' });
      return;
    }
    const { token, source, destination, functionId, mode, targetFunctionId } = this.#options.order;
    const pair = { token, source, destination, functionId };
    this.#channel.open(connection, nowMs);
    if (this.#phase === 'doubt') this.#channel.send({ type: 'ask', ...pair }, nowMs);
    else {
      const selection = this.#options.selection ?? [];
      this.#channel.send({ type: 'hello', ...pair, targetFunctionId, mode, selection }, nowMs);
    }
  }

  #retry(nowMs: number): void {
    this.#timers.set(this, 'retry', nowMs + this.#retryMs);
    this.#retryMs = Math.min(RETRY_MS_MAX, this.#retryMs * 2);
  }

  /** There is no connection any more. */
  #lost(reason: AbortReason, text: string, nowMs: number): void {
    if (this.#isBeforeCommit) this.#abort(reason, text, nowMs);
    else if (this.#phase === 'doubt') {
      if (this.#options.isLeased === true || this.#rules.resumesInDoubt()) this.#abort(reason, text, nowMs);
      else this.#retry(nowMs);
    }
  }

  /** The peer broke the protocol. */
  #broken(text: string, nowMs: number): void {
    if (this.#phase === 'doubt') {
      this.#channel.close(wireText(text));
      this.#retry(nowMs);
    } else if (this.#isBeforeCommit) this.#abort('protocol', text, nowMs);
  }

  #message(message: StateMessage, nowMs: number): void {
    const isSending = this.#phase === 'transferring' || this.#phase === 'quiescing' || this.#phase === 'last';
    switch (message.type) {
      case 'alive':
        return;
      case 'cancel':
        if (this.#isBeforeCommit || this.#phase === 'doubt') this.#abort(message.reason, message.text, nowMs);
        return;
      case 'refuse':
        if (this.#phase === 'connecting') this.#abort('refused', message.text, nowMs);
        else this.#broken('refused in the middle', nowMs);
        return;
      case 'welcome':
        if (this.#phase !== 'connecting') break;
        this.#timers.clear(this, 'connect');
        this.#phase = 'transferring';
        if (message.forward) this.#known = { ...this.#known, forward: message.forward };
        this.#exporter.credit(message.windowBytes, nowMs);
        this.#export('snapshot', nowMs);
        return;
      case 'credit':
        // One that crossed our `commit` is of no more use.
        if (this.#phase === 'doubt') return;
        if (!isSending || !this.#exporter.credit(message.untilBytes, nowMs)) break;
        this.#progress(nowMs);
        return;
      case 'marked':
        if (!isSending || !this.#exporter.marked(message, nowMs)) break;
        this.#progress(nowMs);
        this.#marked(nowMs);
        return;
      case 'committed':
        if (this.#phase !== 'doubt') break;
        this.#commit(message.sessions, nowMs);
        return;
      case 'outcome':
        if (this.#phase !== 'doubt') break;
        this.#outcome(message, nowMs);
        return;
      default:
    }
    this.#broken(`${message.type} while ${this.#phase}`, nowMs);
  }

  #outcome({ outcome, sessions }: StateMessage & { type: 'outcome' }, nowMs: number): void {
    this.#retryMs = RETRY_MS_MIN;
    if (outcome === 'undecided') {
      this.#channel.send(this.#commitMessage(), nowMs);
      return;
    }
    const decided = this.#rules.outcomeIn(outcome);
    if (decided === 'committed') this.#commit(sessions, nowMs);
    else if (decided === 'aborted') this.#abort('lost-connection', 'the destination gave up', nowMs);
    else {
      // It may have lost its disk, or kept the outcome long enough. Only the manager can tell.
      this.#channel.close('outcome unknown');
      this.#retryMs = RETRY_MS_MAX;
      this.#retry(nowMs);
      this.#inquire(nowMs);
    }
  }

  // ------------------------------------------------------------ parts

  #export(kind: PartKind, nowMs: number): void {
    if (kind === 'last') this.#phase = 'last';
    this.#exporter.begin(kind, nowMs);
    this.#progress(nowMs);
  }

  #chunk(part: number, octets: Uint8Array, nowMs: number): void {
    if (!this.#exporter.isOwed(part)) return;
    this.#progress(nowMs);
    if (octets.length > 0 && octets.length <= EXPORT_CHUNK_BYTES_MAX) this.#exporter.chunk(octets, nowMs);
    else this.#abort('function', `a chunk of ${octets.length} octets`, nowMs);
  }

  #exported(input: SourceInput & { type: 'exported' }, nowMs: number): void {
    if (!this.#exporter.isOwed(input.part)) return;
    this.#progress(nowMs);
    this.#exporter.end(input.sessions, input.changePerSecond, nowMs);
    // A copy takes nothing away: the source serves as soon as the last delta is out of its hands.
    if (this.#exporter.kind === 'last' && this.#options.order.mode === 'copy')
      this.#out.push({ type: 'resume' });
  }

  #marked(nowMs: number): void {
    if (this.#phase === 'last') {
      this.#doubt(nowMs);
      return;
    }
    const { forecast } = this.#exporter;
    const decision = forecast.decide(nowMs);
    if (decision === 'again') this.#export('delta', nowMs);
    else if (decision === 'quiesce') this.#quiesce(nowMs);
    else {
      const pauseMs = Math.round(forecast.expectedPauseMs(nowMs) ?? 0);
      this.#abort('would-not-converge', `the pause would be ${pauseMs} ms`, nowMs);
    }
  }

  #quiesce(nowMs: number): void {
    this.#timers.clear(this, 'transfer');
    this.#timers.set(this, 'pause', nowMs + this.#pauseLimitMs);
    this.#phase = 'quiescing';
    this.#pausedAtMs = nowMs;
    if (this.#rules.quiescesBeforeLast()) this.#out.push({ type: 'quiesce' });
    else {
      this.#export('last', nowMs);
      this.#out.push({ type: 'quiesce' });
    }
  }

  #progress(nowMs: number): void {
    this.#timers.set(this, 'progress', nowMs + (this.#options.progressMs ?? 30_000));
  }

  // ------------------------------------------------------------ the end

  #commitMessage(): StateMessage {
    return { type: 'commit', totalBytes: this.#known.totalBytes, totalCrc: this.#known.totalCrc };
  }

  /** From here on the destination decides. */
  #doubt(nowMs: number): void {
    this.#phase = 'doubt';
    const { bytes: totalBytes, crc: totalCrc } = this.#exporter.total;
    this.#known = { ...this.#known, totalBytes, totalCrc };
    this.#timers.clearAll(this);
    if (this.#options.isLeased === true) this.#timers.set(this, 'pause', nowMs + this.#pauseLimitMs);
    else this.#timers.set(this, 'inquire', nowMs + (this.#options.inquireMs ?? 2000));
    if (this.#rules.remembersDoubt()) this.#record('doubt');
    this.#channel.send(this.#commitMessage(), nowMs);
  }

  #verdict(verdict: Verdict, nowMs: number): void {
    if (this.#phase === 'doubt') {
      if (verdict === 'committed') this.#commit(null, nowMs);
      else this.#abort('verdict', 'the manager found that the destination has nothing', nowMs);
    } else if (this.#isBeforeCommit && verdict === 'aborted') {
      this.#abort('cancelled', 'cancelled by the manager', nowMs);
    }
  }

  #inquire(nowMs: number): void {
    if (this.#phase !== 'doubt') return;
    this.#timers.set(this, 'inquire', nowMs + (this.#options.inquireMs ?? 2000));
    this.#out.push({ type: 'inquire' });
  }

  #commit(sessions: number | null, nowMs: number): void {
    this.#phase = 'committed';
    this.#timers.clearAll(this);
    this.#channel.close('committed');
    this.#record('committed');
    this.#finish();
    const pauseMs = this.#pausedAtMs === null ? null : nowMs - this.#pausedAtMs;
    this.#out.push({ type: 'ended', outcome: 'committed', sessions, pauseMs });
  }

  #finish(): void {
    const { mode, forward } = { ...this.#known, ...this.#options.order };
    if (mode !== 'copy') this.#out.push({ type: 'finish', mode, ...(forward && { forward }) });
  }

  #abort(reason: AbortReason, text: string, nowMs: number): void {
    if (this.#isBeforeCommit && reason !== 'lost-connection' && reason !== 'refused') {
      const said = reason === 'verdict' ? 'cancelled' : reason;
      this.#channel.send({ type: 'cancel', reason: said, text: wireText(text) }, nowMs);
    }
    this.#phase = 'aborted';
    this.#exporter.stop();
    this.#timers.clearAll(this);
    this.#channel.close(reason);
    this.#forget();
    this.#out.push({ type: 'resume' }, { type: 'ended', ...aborted(reason, text) });
  }

  /** A copy owns nothing that could be owned twice: no record. */
  #record(phase: SourceRecord['phase']): void {
    const { order } = this.#options;
    if (order.mode === 'copy') return;
    this.#isRecorded = true;
    this.#out.push({ type: 'persist', record: { ...this.#known, ...order, phase } });
  }

  #forget(): void {
    if (this.#isRecorded) this.#out.push({ type: 'persist', record: null });
    this.#isRecorded = false;
  }
}
