// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import type { FunctionId } from '@vnfpool/core';
import type { AdoptedFunction, AgentInput, AgentOutput } from '@vnfpool/core/agent';
import type { Clocks } from '@vnfpool/platform';
import { inNamespace } from '@vnfpool/platform/namespaces';
import {
  adoptProgram,
  OutputFile,
  type ProcessIdentity,
  type RunningProgram,
  startProgram,
} from '@vnfpool/platform/processes';
import { type FunctionInformation, type FunctionSpecification, ntpTimestamp } from '@vnfpool/wire/mobility';
import { checkHealth, type HealthResult } from '../health/health-check.ts';
import { recordOf } from '../process-record.ts';
import { exitReason, memoryReason } from './exit-reason.ts';
import { environmentOf } from './function-environment.ts';
import { addressNow, choosePlace, type Place } from './function-place.ts';
import {
  type Clothed,
  checkCommandOf,
  clothe,
  contextOf,
  createRun,
  type FunctionRun,
  type FunctionView,
  fileName,
  type Run,
  type RunParts,
  viewOf,
} from './function-run.ts';
import type { FunctionStates } from './function-states.ts';
import {
  FunctionSurroundings,
  type FunctionSurroundingsOptions,
  type Surroundings,
} from './function-surroundings.ts';
import type { FunctionTable } from './function-table.ts';
import type { KeptFunction, RunRecord } from './kept-function.ts';

/** The host closes what it is given for surroundings at its own end. */
export interface FunctionHostOptions extends FunctionSurroundingsOptions {
  /** Where output goes and where it is written down what runs. */
  readonly folder: string;
  /** Address at which functions of this node are reached. */
  readonly address: string;
  /** Take a free port in place of the declared one: several nodes share one address. */
  readonly freePorts: boolean;
  readonly clocks: Clocks;
  /** Gives an input to the agent core. */
  readonly give: (input: AgentInput) => void;
  /** How to talk of state with functions; none: their specifications' `state` and `hooks` mean nothing. */
  readonly states?: FunctionStates;
  /** Keeps processes for the next agent; none: nobody comes back to them. */
  readonly table?: Pick<FunctionTable, 'keepRun'>;
}

const SAMPLE_MS = 1_000;
/** Traffic is asked for once in so many samples: it takes a program of its own. */
const TRAFFIC_SAMPLES = 5;
const OUTPUT_LINES = 10;
/** Of option 7/1. */
const NAME_BYTES_MAX = 255;

/** Starts, watches and stops the programs of a node, as the agent core says. */
export class FunctionHost {
  readonly #options: FunctionHostOptions;
  readonly #surroundings: FunctionSurroundings;
  readonly #running = new Map<FunctionId, FunctionRun>();
  readonly #sampler: NodeJS.Timeout;
  #samples = 0;
  #isLeft = false;

  constructor(options: FunctionHostOptions) {
    this.#options = options;
    this.#surroundings = new FunctionSurroundings(options);
    mkdirSync(`${options.folder}/output`, { recursive: true, mode: 0o700 });
    this.#sampler = setInterval(() => this.#sample(), SAMPLE_MS);
  }

  /** Why such a function cannot run here, for the answer to its ADD (error 6); null: it can. */
  refusal(
    specification: Pick<FunctionSpecification, 'limits' | 'netns' | 'container' | 'state'>,
  ): string | null {
    return this.#surroundings.refusal(specification);
  }

  async start(run: AgentOutput & { type: 'start' }): Promise<void> {
    const { functionId, name, specification } = run;
    const { give, states } = this.#options;
    states?.begin(run);
    let place: Place;
    let around: Surroundings;
    try {
      place = await choosePlace(specification, this.#options.address, this.#options.freePorts);
      const runName = `${fileName(name).slice(0, 64)}.${functionId}.${run.run}`;
      around = await this.#surroundings.make(runName, specification);
    } catch (error) {
      this.#ended(run, (error as Error).message);
      return;
    }
    let running: FunctionRun;
    try {
      running = await this.#startIn(run, place, around);
    } catch (error) {
      this.#surroundings.closeNetwork(around);
      this.#surroundings.end(around);
      this.#ended(run, (error as Error).message);
      return;
    }
    const { identity } = running.program;
    if (identity) give({ type: 'started', functionId, run: run.run, pid: identity.pid, ...place });
    this.#follow(run, running);
  }

  async #startIn(run: Run, place: Place, around: Surroundings): Promise<FunctionRun> {
    const { folder, clocks, states, table } = this.#options;
    const { functionId, name, specification } = run;
    const { container, group, network } = around;
    const { directory } = specification;
    const clothed = clothe(specification, around, place, name);
    let started: RunningProgram | undefined;
    const pid = (): number | null => started?.identity?.pid ?? null;
    const state = await states?.open({ ...run, ...clothed, ...contextOf(around, specification), pid });
    const { folder: shared = null } = state ?? {};
    const own = { ...clothed.environment, ...group.environment, ...state?.environment };
    const { words } = clothed;
    const path = `${folder}/output/${fileName(name)}.log`;
    const outputFile = new OutputFile(path, { linesMax: OUTPUT_LINES });
    const program = startProgram({
      command: group.enter(
        container?.prepare({ specification, name, command: words, environment: own, shared }) ?? words,
      ),
      environment: container ? { ...environmentOf({}, clothed.fill), ...group.environment } : own,
      ...(directory === undefined || container ? {} : { directory }),
      ...(network === null ? {} : { namespace: network.namespace }),
      outputFile,
      diesWithUs: false,
    });
    started = program;
    const { identity } = program;
    const startedMs = clocks.boottimeMs();
    const bootTime = ntpTimestamp(clocks.wallMs());
    const times = { startedMs, bootTime: String(bootTime) };
    const parts = { ...place, ...times, run: run.run, name: around.name, folder: shared };
    const output = { path, from: outputFile.from };
    const record: RunRecord | null = identity ? { ...identity, ...parts, output } : null;
    // Before anybody hears of it: the next agent must find it.
    if (record) table?.keepRun(functionId, record);
    if (identity) group.began(identity);
    const release = (): void => undefined;
    return this.#begin(
      run,
      { ...clothed, around, startedMs, bootTime, outputFile, record, release },
      program,
    );
  }

  /**
   * Takes over a function that a former agent started. Its end is told once `follow` was called.
   * @returns null and why, when it cannot be had: it is ended then
   */
  async adopt(kept: KeptFunction, record: RunRecord): Promise<Pick<AdoptedFunction, 'process' | 'reason'>> {
    const { functionId, specification } = kept;
    const { name } = kept.record;
    const { pid, startTicks, run, address, port, output, startedMs } = record;
    const identity: ProcessIdentity = { pid, startTicks };
    const begun: Run = { functionId, run, name, specification };
    const outputFile = new OutputFile(output.path, { from: output.from, linesMax: OUTPUT_LINES });
    const program = adoptProgram(identity, outputFile);
    const release = (): void => program.release();
    try {
      const around = this.#surroundings.adopt(record.name, specification, identity);
      const clothed = clothe(specification, around, { address, port }, name);
      const bootTime = BigInt(record.bootTime);
      this.#begin(begun, { ...clothed, around, startedMs, bootTime, outputFile, record, release }, program);
      await this.#talkAgain(begun, clothed, around, record);
      // The node may be elsewhere by now; what the function was told at its start stays what it was told.
      const own = addressNow(specification, this.#options.address);
      return { process: { pid, address: own, port }, reason: '' };
    } catch (error) {
      const reason = `it could not be taken over: ${(error as Error).message}`;
      this.#options.warn?.(`${name} is ended: ${reason}`);
      await program.stop(0);
      return { process: null, reason };
    }
  }

  /** Tells of the ends of functions that were taken over, from now on. */
  follow(): void {
    for (const [functionId, running] of this.#running)
      this.#follow({ functionId, run: running.run }, running);
  }

  /** Touches no function, and looks after none any more. */
  leave(): void {
    this.#isLeft = true;
    clearInterval(this.#sampler);
    for (const { release } of this.#running.values()) release();
  }

  async stop({ functionId, run, signal, graceMs }: AgentOutput & { type: 'stop' }): Promise<void> {
    const running = this.#running.get(functionId);
    if (running?.run === run) await running.program.stop(graceMs, signal as NodeJS.Signals);
  }

  async check({
    functionId,
    run,
    check,
    address,
    port,
  }: AgentOutput & { type: 'check-health' }): Promise<void> {
    const running = this.#running.get(functionId);
    // It speaks for itself, or ended meanwhile.
    if (check.type === 'function' || running?.run !== run) return;
    const { type, path, timeoutMs, command } = check;
    const ask = (): Promise<HealthResult> =>
      checkHealth(
        {
          type,
          timeoutMs,
          ...(path === undefined ? {} : { path }),
          ...(command === undefined ? {} : { command: checkCommandOf(command, running) }),
        },
        address,
        port,
      );
    const { network, container } = running.around;
    // A command sees what the function sees; its process is made at once. The others ask from where users are.
    const { ok, reason, isRefused } = await (network !== null && container === null && type === 'command'
      ? inNamespace(network.namespace.fd, ask)
      : ask());
    const still = ok ? null : running.around.group.heldStill();
    this.#options.give({
      type: 'health',
      functionId,
      run,
      ok,
      reason: still === null ? reason : `${reason}; somebody holds it ${still}`,
      ...(still === null ? {} : { isFrozen: true }),
      ...(isRefused && { isRefused }),
    });
  }

  /** What a function uses, as options of the service-mobility protocol; empty: it does not run, or was not measured yet. */
  information(functionId: FunctionId): FunctionInformation {
    const running = this.#running.get(functionId);
    if (running === undefined || running.meter.usage === null) return {};
    const { name, bootTime, meter } = running;
    return {
      ...(Buffer.byteLength(name) <= NAME_BYTES_MAX ? { name } : {}),
      ...meter.information(),
      bootTime,
    };
  }

  /** Every function that runs, by name. */
  views(): FunctionView[] {
    const nowMs = this.#options.clocks.boottimeMs();
    return [...this.#running]
      .map(([functionId, running]) => viewOf(functionId, running, nowMs))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** How functions are kept together and bounded here, for people. */
  get groupsDescription(): string {
    return this.#surroundings.groupsDescription;
  }

  /** Kinds of functions, each with the reason why this node cannot run it; null: it can. */
  get kinds(): FunctionSurroundings['kinds'] {
    return this.#surroundings.kinds;
  }

  /** Ends whatever is left. */
  async close(): Promise<void> {
    clearInterval(this.#sampler);
    await Promise.all([...this.#running.values()].map(({ program }) => program.stop(1_000)));
    await this.#surroundings.close();
  }

  #ended({ functionId, run }: Pick<Run, 'functionId' | 'run'>, reason: string): void {
    void this.#options.states?.end({ functionId, run });
    this.#options.give({ type: 'exited', functionId, run, reason });
  }

  #begin(run: Run, parts: RunParts, program: RunningProgram): FunctionRun {
    const running = createRun(run, parts, program);
    this.#running.set(run.functionId, running);
    this.#writeDown();
    return running;
  }

  /** A function that cannot be talked with serves on. */
  async #talkAgain(run: Run, clothed: Clothed, around: Surroundings, record: RunRecord): Promise<void> {
    const { states, warn } = this.#options;
    states?.begin(run);
    try {
      const pid = (): number => record.pid;
      const context = contextOf(around, run.specification);
      await states?.open({ ...run, ...clothed, ...context, pid, formerFolder: record.folder });
    } catch (error) {
      warn?.(`${run.name}: no state and no role for it: ${(error as Error).message}`);
      await states?.end(run);
    }
  }

  #follow(run: Pick<Run, 'functionId' | 'run'>, running: FunctionRun): void {
    const { around, program, programName, limits } = running;
    const { functionId } = run;
    program.onExit((exit) => {
      if (this.#isLeft) return;
      this.#surroundings.closeNetwork(around);
      // The news at once: a standby waits for it.
      const how = around.container?.exitOf(exit) ?? exit;
      this.#ended(run, exitReason(how, programName, memoryReason(around.group, limits)));
      // What it started in turn goes with it: it would keep the port from the next start.
      void program.stop(0);
      this.#surroundings.end(around);
      this.#tellOutput(functionId, running);
      if (this.#running.get(functionId) === running) this.#running.delete(functionId);
      this.#writeDown();
    });
  }

  #sample(): void {
    if (this.#samples++ % TRAFFIC_SAMPLES === 0) void this.#countTraffic();
    for (const [functionId, running] of this.#running) {
      this.#measure(functionId, running);
      this.#tellOutput(functionId, running);
      this.#boundOutput(functionId, running);
    }
  }

  #boundOutput(functionId: FunctionId, running: FunctionRun): void {
    const { outputFile, record } = running;
    try {
      if (!outputFile.bound() || record === null) return;
      const { path, from } = outputFile;
      running.record = { ...record, output: { path, from } };
      this.#options.table?.keepRun(functionId, running.record);
    } catch {
      // Somebody removed it: the function writes on to where nobody reads.
    }
  }

  async #countTraffic(): Promise<void> {
    const runs = [...this.#running.values()].map(({ around }) => around);
    const counts = await this.#surroundings.traffic(runs);
    const atMs = this.#options.clocks.boottimeMs();
    for (const { around, meter } of this.#running.values()) {
      const count = counts.get(around.name);
      if (count !== undefined) meter.countTraffic(atMs, count);
    }
  }

  #measure(functionId: FunctionId, { meter, name, run }: FunctionRun): void {
    try {
      meter.sample(this.#options.clocks.boottimeMs());
    } catch (error) {
      // Its group was removed by somebody else; the function goes on unmeasured.
      this.#options.warn?.(`${name} is not measured: ${(error as Error).message}`);
      return;
    }
    this.#options.give({ type: 'load', functionId, run, fraction: meter.loadFraction });
  }

  #tellOutput(functionId: FunctionId, running: FunctionRun): void {
    const lines = running.program.lines().slice(-OUTPUT_LINES);
    const text = lines.join('\n');
    if (text === running.lines) return;
    running.lines = text;
    this.#options.give({ type: 'output', functionId, run: running.run, lines });
  }

  /** What runs here, for whoever wants to find a program by the name of its instance, or cleans up after us. */
  #writeDown(): void {
    const entries = [...this.#running.values()].flatMap(({ name, program: { identity } }) =>
      identity ? [{ name, ...recordOf(identity) }] : [],
    );
    try {
      const file = `${this.#options.folder}/functions.json`;
      writeFileSync(`${file}.new`, `${JSON.stringify(entries)}\n`, { mode: 0o600 });
      renameSync(`${file}.new`, file);
    } catch (error) {
      this.#options.warn?.(`functions.json is old: ${(error as Error).message}`);
    }
  }
}
