// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { FunctionId } from '@vnfpool/core';
import type { AgentInput, AgentOutput } from '@vnfpool/core/agent';
import type { Clocks } from '@vnfpool/platform';
import {
  createLoadSampler,
  type LoadSampler,
  type ProgramExit,
  type RunningProgram,
  startProgram,
} from '@vnfpool/platform/processes';
import { checkHealth } from '../health/health-check.ts';
import { recordOf } from '../process-record.ts';

export interface FunctionHostOptions {
  /** Where output goes and where it is written down what runs. */
  readonly folder: string;
  /** Address at which functions of this node are reached. */
  readonly address: string;
  /** Take a free port in place of the declared one: several nodes share one address. */
  readonly freePorts: boolean;
  readonly clocks: Clocks;
  /** Gives an input to the agent core. */
  readonly give: (input: AgentInput) => void;
}

interface Running {
  readonly run: number;
  readonly name: string;
  readonly program: RunningProgram;
  readonly load: LoadSampler | null;
  lines: string;
}

const SAMPLE_MS = 1_000;
const OUTPUT_LINES = 10;

/** Starts, watches and stops the programs of a node, as the agent core says. */
export class FunctionHost {
  readonly #options: FunctionHostOptions;
  readonly #running = new Map<FunctionId, Running>();
  readonly #sampler: NodeJS.Timeout;

  constructor(options: FunctionHostOptions) {
    this.#options = options;
    mkdirSync(`${options.folder}/output`, { recursive: true, mode: 0o700 });
    this.#sampler = setInterval(() => this.#sample(), SAMPLE_MS);
  }

  async start(output: AgentOutput & { type: 'start' }): Promise<void> {
    const { functionId, run, name, specification } = output;
    const { address, folder, freePorts, give } = this.#options;
    const ended = (reason: string): void => give({ type: 'exited', functionId, run, reason });
    const { port: declared } = specification;
    let port: number | null;
    try {
      port = declared === undefined ? null : declared === 0 || freePorts ? await freePort(address) : declared;
    } catch (error) {
      ended(`no free port at ${address}: ${(error as Error).message}`);
      return;
    }
    const fill = (text: string): string =>
      text
        .replaceAll('{port}', String(port ?? ''))
        .replaceAll('{address}', address)
        .replaceAll('{name}', name);
    const [program = '', ...rest] = specification.command.map(fill);
    const environment = { ...cleanEnvironment(), ...mapValues(specification.env ?? {}, fill) };
    let started: RunningProgram;
    try {
      started = startProgram({
        command: [program, ...rest],
        environment,
        ...(specification.directory === undefined ? {} : { directory: specification.directory }),
        output: { linesMax: OUTPUT_LINES, logPath: `${folder}/output/${fileName(name)}.log` },
      });
    } catch (error) {
      ended((error as Error).message);
      return;
    }
    const { identity } = started;
    const load = identity ? createLoadSampler(identity, this.#options.clocks) : null;
    const running: Running = { run, name, program: started, load, lines: '' };
    this.#running.set(functionId, running);
    this.#writeDown();
    if (identity) give({ type: 'started', functionId, run, pid: identity.pid, address, port });
    started.onExit((exit) => {
      // First the news: a standby waits for it.
      ended(exitReason(exit, program));
      // What it started in turn goes with it: it would keep the port from the next start.
      void started.stop(0);
      this.#tellOutput(functionId, running);
      if (this.#running.get(functionId) === running) this.#running.delete(functionId);
      this.#writeDown();
    });
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
    const { ok, reason } = await checkHealth(check, address, port);
    this.#options.give({ type: 'health', functionId, run, ok, reason });
  }

  /** Ends whatever is left. */
  async close(): Promise<void> {
    clearInterval(this.#sampler);
    await Promise.all([...this.#running.values()].map(({ program }) => program.stop(1_000)));
  }

  #sample(): void {
    for (const [functionId, running] of this.#running) {
      if (running.load)
        this.#options.give({ type: 'load', functionId, run: running.run, fraction: running.load.sample() });
      this.#tellOutput(functionId, running);
    }
  }

  #tellOutput(functionId: FunctionId, running: Running): void {
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
    const file = `${this.#options.folder}/functions.json`;
    writeFileSync(`${file}.new`, `${JSON.stringify(entries)}\n`, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }
}

function exitReason({ status, signal, failure }: ProgramExit, program: string): string {
  if (failure !== undefined) return failure;
  if (signal !== null) return `killed by ${signal}`;
  return status === 127 ? `exit code 127: is there a program ${program}?` : `exit code ${status}`;
}

/** Our own settings are not the function's business. */
function cleanEnvironment(): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && !name.startsWith('VNFPOOL_')) kept[name] = value;
  }
  return kept;
}

function mapValues(
  record: Readonly<Record<string, string>>,
  change: (value: string) => string,
): Record<string, string> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}

function fileName(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9#._-]/g, '_');
}

function freePort(address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, address, () => {
      const at = server.address();
      server.close(() => resolve(typeof at === 'object' && at ? at.port : 0));
    });
  });
}
