// SPDX-License-Identifier: Apache-2.0
import type { Core } from '@vnfpool/core';
import type { Process } from './process.ts';
import type { World } from './world.ts';

/**
 * Runs a core for one life of a process. Inputs that its outputs cause come after them. A core that throws, answers one
 * input with too much, or keeps its clock from going on has broken a promise.
 */
export class CoreRunner<Input, Output> {
  readonly #world: World;
  readonly #process: Process;
  readonly #core: Core<Input, Output>;
  readonly #perform: (output: Output) => void;
  readonly #outputsMax: number;
  readonly #inputs: Input[] = [];
  #isRunning = false;
  #isStopped = false;
  #armedMs = Number.POSITIVE_INFINITY;

  constructor(
    world: World,
    process: Process,
    core: Core<Input, Output>,
    outputsMax: number,
    perform: (output: Output) => void,
  ) {
    this.#world = world;
    this.#process = process;
    this.#core = core;
    this.#outputsMax = outputsMax;
    this.#perform = perform;
    process.onEnd(() => {
      this.#isStopped = true;
    });
  }

  submit(input: Input): void {
    this.#inputs.push(input);
    if (this.#isRunning) return;
    this.#run(() => {
      for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift()) {
        this.#carryOut(this.#core.handle(next, this.#process.nowMs()), next);
      }
    });
  }

  #run(work: () => void): void {
    if (this.#isStopped) return;
    this.#isRunning = true;
    try {
      work();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.#isStopped = true;
      this.#world.fail(`${this.#process.name} threw ${error.stack ?? error.message}`);
    }
    this.#isRunning = false;
    this.#arm();
  }

  #carryOut(outputs: readonly Output[], cause: unknown): void {
    if (outputs.length > this.#outputsMax) {
      const what = JSON.stringify(cause).slice(0, 200);
      this.#world.fail(`${this.#process.name}: ${outputs.length} outputs to one input: ${what}`);
    }
    for (const output of outputs) {
      if (this.#isStopped) return;
      this.#perform(output);
    }
  }

  #arm(): void {
    if (this.#isStopped) return;
    const deadlineMs = this.#core.nextDeadline();
    if (deadlineMs === undefined || deadlineMs >= this.#armedMs) return;
    this.#armedMs = deadlineMs;
    this.#process.at(this.#process.clock.trueMs(deadlineMs) + 0.001, () => this.#wake(deadlineMs));
  }

  #wake(armedMs: number): void {
    if (this.#isStopped || armedMs !== this.#armedMs) return;
    this.#armedMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#process.nowMs();
    const deadlineMs = this.#core.nextDeadline();
    if (deadlineMs === undefined || deadlineMs > nowMs) {
      this.#arm();
      return;
    }
    this.#run(() => this.#carryOut(this.#core.expire(nowMs), 'a timer'));
    const nextMs = this.#core.nextDeadline();
    if (nextMs !== undefined && nextMs <= nowMs && !this.#isStopped)
      this.#world.fail(`${this.#process.name}: a timer due at ${nextMs} is not done at ${nowMs}`);
  }
}
