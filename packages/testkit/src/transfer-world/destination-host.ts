// SPDX-License-Identifier: Apache-2.0
import {
  answerStranger,
  type DestinationInput,
  type DestinationOutput,
  type DestinationRecord,
  type DestinationTestimony,
  TransferDestination,
  type TransferEnd,
} from '@vnfpool/core/state-transfer';
import { WireError } from '@vnfpool/wire/bytes';
import { decodeState, encodeState, type StateMessage } from '@vnfpool/wire/state-channel';
import type { ChannelEnd } from './links.ts';
import type { ToyDestination } from './toy-function.ts';
import { FORWARD, Life, type WorldParts } from './world.ts';

/** The destination's node: agent, function and disk. */
export class DestinationHost implements ChannelEnd {
  readonly #parts: WorldParts;
  readonly #toy: ToyDestination;
  readonly #life: Life;
  #core: TransferDestination | null = null;
  #disk: DestinationRecord | null = null;
  #timerMs = Number.POSITIVE_INFINITY;
  /** Connections whose first message has come. */
  readonly #opened = new Set<number>();
  /** The function works in order: its next step begins when the one before is done. */
  #busyUntilMs = 0;
  /** Octets that wait for the function. */
  #waitingBytes = 0;
  end: TransferEnd | null = null;
  inquire: () => void = () => {};
  activated: () => void = () => {};

  constructor(parts: WorldParts, toy: ToyDestination) {
    this.#parts = parts;
    this.#toy = toy;
    this.#life = new Life(parts.schedule);
  }

  get isUp(): boolean {
    return this.#life.isUp;
  }

  get isAtRest(): boolean {
    return this.#core === null || this.#core.phase === 'aborted' || this.#core.phase === 'committed';
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  testimony(): DestinationTestimony {
    switch (this.#core?.phase) {
      case undefined:
        return this.#toy.owns ? 'committed' : 'gone';
      case 'ready':
      case 'committed':
      case 'aborted':
        return this.#core.phase;
      case 'activating':
      case 'discarding':
        return 'silent';
      default:
        return 'open';
    }
  }

  begin(restored: DestinationRecord | null): void {
    const { plan, rules, order, schedule } = this.#parts;
    this.#core = new TransferDestination(
      {
        order,
        rules,
        tokenUntilMs: schedule.nowMs + 5000,
        windowBytes: plan.windowBytes,
        progressMs: 3000,
        aliveMs: 200,
        silenceMs: 1000,
        holdMs: 4000,
        inquireMs: 500,
        retainMs: plan.retainMs,
        ...(plan.mode === 'sessions' ? { forward: FORWARD } : {}),
      },
      restored,
      this.#toy.isAlive,
    );
    this.input({ type: 'start' });
  }

  input(input: DestinationInput): void {
    if (!this.isUp || this.#core === null) return;
    this.#perform(this.#core.handle(input, this.#parts.schedule.nowMs));
  }

  crash(isWhole: boolean): void {
    if (isWhole) this.#toy.isAlive = false;
    if (!this.isUp) return;
    this.#life.end();
    this.#core = null;
    this.#timerMs = Number.POSITIVE_INFINITY;
    this.#opened.clear();
    this.#busyUntilMs = 0;
    this.#waitingBytes = 0;
  }

  /** The function ends by itself; its agent hears of it. */
  loseFunction(): void {
    this.#toy.isAlive = false;
    this.#life.after(this.#parts.random.between(0.1, 50), () => this.input({ type: 'gone' }));
  }

  restart(): void {
    if (this.isUp) return;
    this.#life.begin();
    if (this.#disk !== null) this.begin(this.#disk);
    // Never opened, or forgotten: what serves was taken over long ago, anything else was only prepared.
    else if (!this.#toy.isActive) this.#toy.discard();
  }

  frame(connection: number, frame: Uint8Array): void {
    if (!this.isUp) return;
    let message: StateMessage;
    try {
      message = decodeState(frame);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.input({ type: 'malformed', connection, reason: error.message });
      return;
    }
    const isFirst = !this.#opened.has(connection);
    this.#opened.add(connection);
    if (!isFirst) this.input({ type: 'message', connection, message });
    else if (this.#core !== null && (message.type === 'hello' || message.type === 'ask'))
      this.input({ type: 'opened', connection, peer: 10, message });
    else {
      const { channel } = this.#parts;
      channel.send(connection, 'destination', encodeState(answerStranger(message)));
      channel.close(connection, 'destination');
    }
  }

  disconnected(connection: number): void {
    this.input({ type: 'disconnected', connection });
  }

  #perform(outputs: readonly DestinationOutput[]): void {
    const core = this.#core;
    for (const output of outputs) {
      const name = output.type === 'send' ? `send ${output.message.type}` : output.type;
      this.#parts.perform('D', name, () => {
        if (this.isUp && this.#core === core) this.#carryOut(output);
      });
    }
    this.#arm();
  }

  #carryOut(output: DestinationOutput): void {
    const { channel } = this.#parts;
    switch (output.type) {
      case 'send':
        channel.send(output.connection, 'destination', encodeState(output.message));
        break;
      case 'close':
        channel.close(output.connection, 'destination');
        break;
      case 'import':
        break;
      case 'import-chunk': {
        const { octets } = output;
        this.#waitingBytes += octets.length;
        this.#function(() => {
          this.#waitingBytes -= octets.length;
          this.#toy.take(octets);
          this.input({ type: 'consumed', bytes: octets.length });
        });
        break;
      }
      case 'import-end': {
        const { part } = output;
        this.#function(() => this.input({ type: 'imported', part, sessions: this.#toy.imported.size }));
        break;
      }
      case 'activate':
        this.#function(() => {
          if (!this.#toy.isActive) {
            this.#toy.isActive = true;
            this.activated();
          }
          this.input({ type: 'activated' });
        });
        break;
      case 'discard':
        this.#busyUntilMs = 0;
        this.#life.end();
        this.#life.begin();
        this.#timerMs = Number.POSITIVE_INFINITY;
        this.#toy.discard();
        this.#life.after(this.#parts.random.between(0.1, 3), () => this.input({ type: 'discarded' }));
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
      case 'forgotten':
        this.#core = null;
        break;
    }
  }

  #function(run: () => void): void {
    const { random, plan, schedule } = this.#parts;
    this.#busyUntilMs = Math.max(this.#busyUntilMs, schedule.nowMs) + random.between(0.1, 3);
    this.#life.after(this.#busyUntilMs - schedule.nowMs, () => {
      if (!this.#toy.isAlive) return;
      if (random.chance(plan.functionFault)) this.input({ type: 'failed', reason: 'function' });
      else run();
    });
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
