// SPDX-License-Identifier: Apache-2.0
import {
  type SourceInput,
  type SourceOutput,
  type SourceRecord,
  type SourceTestimony,
  type TransferEnd,
  TransferSource,
} from '@vnfpool/core/state-transfer';
import { WireError } from '@vnfpool/wire/bytes';
import { decodeState, encodeState } from '@vnfpool/wire/state-channel';
import type { ChannelEnd } from './links.ts';
import type { ToySource } from './toy-function.ts';
import { FORWARD, Life, TransferViolation, type WorldParts } from './world.ts';

/** The source's node: agent, function and disk. */
export class SourceHost implements ChannelEnd {
  readonly #parts: WorldParts;
  readonly #toy: ToySource;
  readonly #life: Life;
  /** Work of the function for a transfer; `resume` calls it off. */
  #work: Life;
  #core: TransferSource | null = null;
  #disk: SourceRecord | null = null;
  #timerMs = Number.POSITIVE_INFINITY;
  end: TransferEnd | null = null;
  connect: (host: SourceHost) => number | null = () => null;
  inquire: () => void = () => {};

  constructor(parts: WorldParts, toy: ToySource) {
    this.#parts = parts;
    this.#toy = toy;
    this.#life = new Life(parts.schedule);
    this.#work = new Life(parts.schedule);
  }

  get isUp(): boolean {
    return this.#life.isUp;
  }

  /** Null: there is nothing left to do. */
  get isAtRest(): boolean {
    return this.#core === null || this.#core.phase === 'aborted' || this.#core.phase === 'committed';
  }

  testimony(): SourceTestimony {
    if (!this.#toy.isAlive) return 'gone';
    if (this.#toy.isFinished) return 'committed';
    switch (this.#core?.phase) {
      case undefined:
      case 'aborted':
        return 'aborted';
      case 'doubt':
        return 'doubt';
      case 'committed':
        return 'committed';
      default:
        return 'transferring';
    }
  }

  begin(restored: SourceRecord | null): void {
    const { plan, rules, order, random } = this.#parts;
    const selection = plan.mode === 'sessions' ? [{ type: 'ratio' as const, ratio: 0.5 }] : [];
    this.#core = new TransferSource(
      {
        order,
        selection,
        rules,
        pauseMaxMs: random.pick([50, 500]),
        pauseLimitMs: 2000,
        connectMs: 2000,
        progressMs: 3000,
        transferMs: 20_000,
        aliveMs: 200,
        silenceMs: 1000,
        inquireMs: 500,
      },
      restored,
    );
    this.input({ type: 'start' });
  }

  input(input: SourceInput): void {
    if (!this.isUp || this.#core === null) return;
    this.#perform(this.#core.handle(input, this.#parts.schedule.nowMs));
  }

  crash(isWhole: boolean): void {
    if (isWhole) this.#toy.isAlive = false;
    if (!this.isUp) return;
    this.#life.end();
    this.#work = new Life(this.#parts.schedule);
    this.#core = null;
    this.#timerMs = Number.POSITIVE_INFINITY;
  }

  restart(): void {
    if (this.isUp) return;
    this.#life.begin();
    if (!this.#toy.isAlive) this.#disk = null;
    else if (this.#disk !== null) this.begin(this.#disk);
    // No record: `commit` was never sent, so nobody else can have become the owner.
    else this.#toy.isQuiesced = false;
  }

  frame(connection: number, frame: Uint8Array): void {
    try {
      this.input({ type: 'message', connection, message: decodeState(frame) });
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.input({ type: 'malformed', connection, reason: error.message });
    }
  }

  disconnected(connection: number): void {
    this.input({ type: 'disconnected', connection });
  }

  #perform(outputs: readonly SourceOutput[]): void {
    const core = this.#core;
    for (const output of outputs) {
      const name = output.type === 'send' ? `send ${output.message.type}` : output.type;
      this.#parts.perform('S', name, () => {
        if (this.isUp && this.#core === core) this.#carryOut(output);
      });
    }
    this.#arm();
  }

  #carryOut(output: SourceOutput): void {
    const { channel } = this.#parts;
    switch (output.type) {
      case 'connect':
        this.#later(() => {
          const connection = this.connect(this);
          this.input(
            connection === null
              ? { type: 'connect-failed', reason: 'unreachable' }
              : { type: 'connected', connection },
          );
        });
        break;
      case 'send':
        channel.send(output.connection, 'source', encodeState(output.message));
        break;
      case 'close':
        channel.close(output.connection, 'source');
        break;
      case 'export':
        this.#toy.cut(output.kind);
        this.#give(output.part);
        break;
      case 'pull':
        this.#give(output.part);
        break;
      case 'quiesce':
        this.#function(() => {
          this.#toy.quiesce();
          this.input({ type: 'quiesced' });
        });
        break;
      case 'resume':
        this.#work.end();
        this.#work.begin();
        this.#toy.isQuiesced = false;
        break;
      case 'finish':
        if (output.mode === 'sessions' && output.forward?.port !== FORWARD.port)
          throw new TransferViolation('the source does not know where packets of moved sessions go');
        this.#toy.finish();
        this.#later(() => this.input({ type: 'finished' }));
        break;
      case 'persist':
        this.#disk = output.record;
        break;
      case 'inquire':
        this.inquire();
        break;
      case 'ended':
        this.end = output;
        break;
    }
  }

  #give(part: number): void {
    this.#function(() => {
      const octets = this.#toy.chunk(1 + this.#parts.random.below(20));
      if (octets !== null) this.input({ type: 'exported-chunk', part, octets });
      else {
        const sessions = this.#toy.moving().size;
        this.input({ type: 'exported', part, sessions, changePerSecond: null });
      }
    });
  }

  /** A step of the function: takes its time, and may fail. */
  #function(run: () => void): void {
    const { random, plan } = this.#parts;
    this.#work.after(random.between(0.1, 3), () => {
      if (!this.#toy.isAlive) return;
      if (random.chance(plan.functionFault)) this.input({ type: 'failed', reason: 'function' });
      else run();
    });
  }

  #later(run: () => void): void {
    this.#life.after(this.#parts.random.between(0.1, 3), run);
  }

  #arm(): void {
    const deadline = this.#core?.nextDeadline();
    if (deadline === undefined || deadline >= this.#timerMs) return;
    this.#timerMs = deadline;
    this.#life.after(deadline - this.#parts.schedule.nowMs, () => {
      this.#timerMs = Number.POSITIVE_INFINITY;
      if (this.#core !== null) this.#perform(this.#core.expire(this.#parts.schedule.nowMs));
    });
  }
}
