// SPDX-License-Identifier: Apache-2.0
import type { Core } from '@vnfpool/core';
import type { Clock } from './clock.ts';

/** Carries out one kind of output. A promise holds back every later output until it settles. */
export type EffectHandlers<Output extends { readonly type: string }> = {
  readonly [Type in Output['type']]: (
    output: Extract<Output, { readonly type: Type }>,
  ) => void | Promise<void>;
};

/** A handler or the core threw: a programmer's error, after which the core's state cannot be trusted. */
export interface DriverFault {
  readonly error: unknown;
  /** What was being done. */
  readonly during: 'handle' | 'expire' | 'effect';
  /** The input or output in question. */
  readonly subject: unknown;
  /** Outputs that were not carried out any more. */
  readonly pendingOutputs: number;
}

export interface CoreDriverOptions<Input, Output extends { readonly type: string }> {
  readonly core: Core<Input, Output>;
  readonly clock: Clock;
  readonly effects: EffectHandlers<Output>;
  /** Called once; the driver has stopped by then. Daemons log the state and exit. */
  readonly onFault: (fault: DriverFault) => void;
  /** Inputs that may wait. Default 4096. */
  readonly inputsMax?: number;
  /** From this many waiting outputs on, inputs and timers wait too. Default 1024. */
  readonly outputsMax?: number;
}

/**
 * Runs a core: hands it inputs and the time, carries out its outputs one after the other, and keeps one timer
 * armed for its next deadline, or for an earlier one that has moved back since.
 *
 * While an effect is pending (a record on its way to the disk) the core goes on taking inputs and timers, so
 * its time does not stand still and several records can follow each other without a pause; their outputs line up
 * behind. Only when too many have lined up do inputs wait, and when too many of these wait they are refused.
 */
export class CoreDriver<Input, Output extends { readonly type: string }> {
  readonly #options: CoreDriverOptions<Input, Output>;
  readonly #inputsMax: number;
  readonly #outputsMax: number;
  readonly #inputs: Input[] = [];
  #outputs: Output[] = [];
  #idleWaiters: (() => void)[] = [];
  #running = false;
  #stopped = false;
  #timer: { readonly atMs: number; readonly cancel: () => void } | null = null;
  #refused = 0;

  constructor(options: CoreDriverOptions<Input, Output>) {
    this.#options = options;
    this.#inputsMax = options.inputsMax ?? 4096;
    this.#outputsMax = options.outputsMax ?? 1024;
    this.#arm();
  }

  /** Inputs refused at the bound since the start. */
  get refusedInputs(): number {
    return this.#refused;
  }

  /** Gives the core an input. False: refused, because the driver is stopped or too much is waiting. */
  submit(input: Input): boolean {
    if (this.#stopped) return false;
    if (this.#inputs.length >= this.#inputsMax) {
      this.#refused += 1;
      return false;
    }
    this.#inputs.push(input);
    this.#run();
    return true;
  }

  /** Settles when nothing waits; at once when the driver is stopped. */
  idle(): Promise<void> {
    if (this.#stopped || (!this.#running && this.#inputs.length === 0)) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idleWaiters.push(resolve);
    });
  }

  /** Takes no more inputs and calls off the timer. Outputs that wait are dropped. */
  stop(): void {
    this.#stopped = true;
    this.#disarm();
    this.#inputs.length = 0;
    this.#outputs = [];
    this.#wakeIdle();
  }

  /** Lets the core take what waits, then carries out, unless that is under way. */
  #run(): void {
    this.#takeInputs();
    if (!this.#running && this.#outputs.length > 0) {
      this.#running = true;
      this.#carryOut();
    }
    this.#arm();
    if (!this.#running) this.#wakeIdle();
  }

  #takeInputs(): void {
    while (this.#inputs.length > 0 && this.#outputs.length < this.#outputsMax && !this.#stopped) {
      const input = this.#inputs.shift() as Input;
      this.#ask('handle', input, (core, nowMs) => core.handle(input, nowMs));
    }
  }

  #ask(
    during: 'handle' | 'expire',
    subject: unknown,
    question: (core: Core<Input, Output>, nowMs: number) => Output[],
  ): void {
    try {
      for (const output of question(this.#options.core, this.#options.clock.nowMs()))
        this.#outputs.push(output);
    } catch (error) {
      this.#fault({ error, during, subject });
    }
  }

  /** Without a promise as long as no effect has one: most never do, and a promise for each input costs more than the core. */
  #carryOut(): void {
    for (let output = this.#outputs.shift(); output !== undefined; output = this.#outputs.shift()) {
      const subject = output;
      try {
        const handler = this.#options.effects[output.type as Output['type']] as (
          each: Output,
        ) => void | Promise<void>;
        const pending = handler(output);
        if (pending !== undefined) {
          pending.then(
            () => this.#goOn(),
            (error: unknown) => this.#effectFailed(error, subject),
          );
          return;
        }
      } catch (error) {
        this.#effectFailed(error, subject);
        return;
      }
      if (this.#stopped) return;
      this.#takeInputs();
    }
    this.#running = false;
  }

  /** After an effect that took its time. */
  #goOn(): void {
    if (this.#stopped) return;
    this.#takeInputs();
    this.#carryOut();
    this.#arm();
    if (!this.#running) this.#wakeIdle();
  }

  #effectFailed(error: unknown, subject: Output): void {
    this.#running = false;
    this.#fault({ error, during: 'effect', subject });
  }

  #expire(): void {
    this.#timer = null;
    if (this.#stopped) return;
    const { clock, core } = this.#options;
    const atMs = core.nextDeadline();
    // Like an input, a deadline waits while too much has lined up; `#arm` comes back to it.
    if (atMs !== undefined && atMs <= clock.nowMs() && this.#outputs.length < this.#outputsMax) {
      this.#ask('expire', null, (core, nowMs) => core.expire(nowMs));
    }
    this.#run();
  }

  #arm(): void {
    const blocked = this.#stopped || this.#outputs.length >= this.#outputsMax;
    const atMs = blocked ? undefined : this.#options.core.nextDeadline();
    // Deadlines mostly move back, with every input: a timer that then fires early finds nothing due and is armed anew.
    if (this.#timer !== null && atMs !== undefined && this.#timer.atMs <= atMs) return;
    this.#disarm();
    if (atMs === undefined) return;
    this.#timer = { atMs, cancel: this.#options.clock.at(atMs, () => this.#expire()) };
  }

  #disarm(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #wakeIdle(): void {
    if (this.#inputs.length > 0) return;
    for (const wake of this.#idleWaiters.splice(0)) wake();
  }

  #fault(fault: Omit<DriverFault, 'pendingOutputs'>): void {
    const pendingOutputs = this.#outputs.length;
    this.stop();
    this.#options.onFault({ ...fault, pendingOutputs });
  }
}
