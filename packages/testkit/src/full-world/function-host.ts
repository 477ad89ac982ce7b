// SPDX-License-Identifier: Apache-2.0
import type { FunctionId } from '@vnfpool/core';
import type { AgentInput, AgentOutput } from '@vnfpool/core/agent';
import { Counter } from './movable-counter.ts';
import type { SimProcess } from './process.ts';
import type { World } from './world.ts';

/** One running program. */
export interface Program {
  readonly functionId: FunctionId;
  readonly run: number;
  readonly name: string;
  /** From when on it answers checks well. */
  readonly servesAtMs: number;
  /** Answers badly until then. */
  illUntilMs: number;
  /** Its state. */
  readonly counter: Counter;
}

const SAMPLE_MS = 1_000;

/** Programs of a node: they take a while to serve, end by themselves, fall ill, and die with their node. */
export class SimFunctionHost {
  readonly programs: Map<FunctionId, Program> = new Map();
  /** Functions whose state comes from another node before they are of use. */
  readonly #awaiting = new Set<FunctionId>();
  readonly #world: World;
  readonly #process: SimProcess;
  readonly #address: string;
  readonly #give: (input: AgentInput) => void;
  #lastPid = 100;

  constructor(world: World, process: SimProcess, address: string, give: (input: AgentInput) => void) {
    this.#world = world;
    this.#process = process;
    this.#address = address;
    this.#give = give;
    this.#sample();
  }

  start({ functionId, run, name, specification }: AgentOutput & { type: 'start' }): void {
    const world = this.#world;
    const { random } = world;
    world.log(() => `${this.#process.name} starts ${name} (${functionId}) run ${run}`);
    world.counts.starts += 1;
    // That was said of a former start, which came to nothing.
    this.#awaiting.delete(functionId);
    this.#process.after(random.between(1, 30), () => {
      const pid = ++this.#lastPid;
      // A version that never works.
      const isBad = specification.command.includes('bad');
      const servesAtMs = isBad ? Number.POSITIVE_INFINITY : world.nowMs + random.between(10, 400);
      if (!world.isCalm && random.chance(0.03)) {
        this.#give({ type: 'exited', functionId, run, reason: 'exit code 1' });
        return;
      }
      const counter = new Counter(this.#awaiting.delete(functionId) ? null : world.counters.begin());
      this.programs.set(functionId, { functionId, run, name, servesAtMs, illUntilMs: 0, counter });
      // A declared port of 0 is a free one.
      const port = specification.port === undefined ? null : specification.port || 40_000 + pid;
      this.#give({ type: 'started', functionId, run, pid, address: this.#address, port });
    });
  }

  /** The function that is being started begins without state. */
  awaitState(functionId: FunctionId): void {
    this.#awaiting.add(functionId);
  }

  role({ functionId, run, role }: AgentOutput & { type: 'role' }): void {
    const program = this.programs.get(functionId);
    if (program?.run === run) program.counter.isActive = role === 'active';
  }

  stop({ functionId, run }: AgentOutput & { type: 'stop' }): void {
    this.#world.schedule.after(this.#world.random.between(1, 60), () =>
      this.#end(functionId, run, 'killed by SIGTERM'),
    );
  }

  /** Ends whatever is left, as long as the agent lasts. */
  close(): void {
    for (const { functionId, run } of this.programs.values()) {
      this.#world.schedule.after(this.#world.random.between(1, 60), () =>
        this.#end(functionId, run, 'killed by SIGTERM'),
      );
    }
  }

  check({ functionId, run, check }: AgentOutput & { type: 'check-health' }): void {
    const { random, schedule } = this.#world;
    schedule.after(random.between(0.5, 5), () => {
      const program = this.programs.get(functionId);
      const { nowMs } = this.#world;
      const answer = (ok: boolean, reason: string): void =>
        this.#process.deliver(() => this.#give({ type: 'health', functionId, run, ok, reason }));
      if (program?.run !== run || nowMs < program.servesAtMs) answer(false, 'ECONNREFUSED');
      else if (nowMs >= program.illUntilMs) answer(true, 'status 200');
      else this.#process.after(check.timeoutMs, () => answer(false, 'no answer'));
    });
  }

  /** Ends by itself. */
  exit(functionId: FunctionId): void {
    const program = this.programs.get(functionId);
    if (!program) return;
    this.#world.log(() => `${program.name} exits`);
    this.#end(functionId, program.run, 'exit code 1');
  }

  fallIll(functionId: FunctionId, forMs: number): void {
    const program = this.programs.get(functionId);
    if (!program) return;
    this.#world.log(() => `${program.name} is ill for ${forMs.toFixed(0)} ms`);
    program.illUntilMs = this.#world.nowMs + forMs;
  }

  #end(functionId: FunctionId, run: number, reason: string): void {
    if (this.programs.get(functionId)?.run !== run) return;
    this.programs.delete(functionId);
    this.#process.deliver(() => this.#give({ type: 'exited', functionId, run, reason }));
  }

  #sample(): void {
    this.#process.after(SAMPLE_MS, () => {
      for (const { functionId, run } of this.programs.values()) {
        const fraction = this.#world.isCalm ? 0.1 : this.#world.random.fraction();
        this.#give({ type: 'load', functionId, run, fraction });
      }
      this.#sample();
    });
  }
}
