// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { FunctionId } from '@vnfpool/core';
import type { AgentInput, AgentOutput } from '@vnfpool/core/agent';
import type { Clocks } from '@vnfpool/platform';
import type { FunctionGroup, FunctionGroups, GroupTraffic } from '@vnfpool/platform/cgroups';
import { inNamespace } from '@vnfpool/platform/namespaces';
import { type RunningProgram, startProgram } from '@vnfpool/platform/processes';
import {
  type FunctionInformation,
  type FunctionLimits,
  type FunctionSpecification,
  ntpTimestamp,
} from '@vnfpool/wire/mobility';
import type { CommandCheck } from '../health/command-check.ts';
import { checkHealth, type HealthResult } from '../health/health-check.ts';
import { recordOf } from '../process-record.ts';
import { type FunctionContainer, FunctionContainers } from './containers/index.ts';
import { exitReason, memoryReason } from './exit-reason.ts';
import { addedEnvironment, environmentOf } from './function-environment.ts';
import { FunctionMeter, type FunctionUsage } from './function-meter.ts';
import {
  commandOf,
  type FunctionNetwork,
  FunctionNetworks,
  placeOf,
  portInside,
} from './function-networks.ts';
import type { FunctionStates } from './function-states.ts';
import { RunGroups } from './run-groups.ts';

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
  /** Where functions get their groups; the host closes them at its own end. Default: they are followed in /proc. */
  readonly groups?: FunctionGroups;
  /** Counts and bounds what functions send and receive; a text: why it cannot be had here. The host closes it. */
  readonly traffic?: GroupTraffic | string;
  /** Makes the networks of functions of kind `netns`; a text: why this node cannot. */
  readonly networks?: FunctionNetworks | string;
  /** Runs functions of kind `container`; a text: why this node cannot. The host closes them. */
  readonly containers?: FunctionContainers | string;
  /** How to talk of state with functions; none: their specifications' `state` and `hooks` mean nothing. */
  readonly states?: FunctionStates;
  /** Takes what an operator should know: a group that could not be ended or removed. */
  readonly warn?: (message: string) => void;
}

/** One function as `vnfpool node top` shows it. */
export interface FunctionView {
  readonly functionId: number;
  readonly name: string;
  readonly pid: number | null;
  readonly upMs: number;
  /** Starts on this node after the first. */
  readonly restarts: number;
  readonly limits: FunctionLimits;
  /** Null until the first sample. */
  readonly usage: FunctionUsage | null;
}

interface Running {
  readonly run: number;
  readonly name: string;
  readonly program: RunningProgram;
  readonly group: FunctionGroup;
  /** Null: the host's own. */
  readonly network: FunctionNetwork | null;
  /** Null: it sees what we see. */
  readonly container: FunctionContainer | null;
  readonly meter: FunctionMeter;
  readonly limits: FunctionLimits;
  readonly startedMs: number;
  /** NTP timestamp of its start. */
  readonly bootTime: bigint;
  readonly fill: (text: string) => string;
  readonly environment: Readonly<Record<string, string>>;
  readonly directory: string | undefined;
  lines: string;
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
  readonly #groups: RunGroups;
  readonly #running = new Map<FunctionId, Running>();
  readonly #sampler: NodeJS.Timeout;
  #samples = 0;

  constructor(options: FunctionHostOptions) {
    this.#options = options;
    this.#groups = new RunGroups(options);
    mkdirSync(`${options.folder}/output`, { recursive: true, mode: 0o700 });
    this.#sampler = setInterval(() => this.#sample(), SAMPLE_MS);
  }

  /** Why such a function cannot run here, for the answer to its ADD (error 6); null: it can. */
  refusal(specification: Pick<FunctionSpecification, 'limits' | 'netns' | 'container'>): string | null {
    const { limits, netns, container } = specification;
    if (container !== undefined) {
      const { containers = 'this agent makes no containers' } = this.#options;
      if (typeof containers === 'string') return `kind container not available: ${containers}`;
      const reason = containers.refusal(specification);
      if (reason !== null) return reason;
    }
    if (netns !== undefined) {
      const { networks = 'this agent makes no networks' } = this.#options;
      const reason = typeof networks === 'string' ? networks : networks.refusal(netns);
      if (reason !== null) return `kind netns not available: ${reason}`;
      if (limits?.bandwidthBps !== undefined)
        return 'limit not enforceable: bandwidth (a network namespace of its own is not counted)';
    }
    return limits === undefined ? null : this.#groups.refusal(groupLimitsOf(specification));
  }

  async start(output: AgentOutput & { type: 'start' }): Promise<void> {
    const { functionId, run, name, specification } = output;
    const { folder, freePorts, give, states } = this.#options;
    const { netns } = specification;
    const address = (netns && placeOf(netns)) ?? this.#options.address;
    states?.begin(output);
    const ended = (reason: string): void => {
      void states?.end(output);
      give({ type: 'exited', functionId, run, reason });
    };
    const { port: declared } = specification;
    let port: number | null;
    try {
      if (netns) port = portInside(specification);
      else
        port =
          declared === undefined ? null : declared === 0 || freePorts ? await freePort(address) : declared;
    } catch (error) {
      ended(`no free port at ${address}: ${(error as Error).message}`);
      return;
    }
    const fill = (text: string): string =>
      text
        .replaceAll('{port}', String(port ?? ''))
        .replaceAll('{address}', address)
        .replaceAll('{name}', name);
    const [program = '', ...rest] = commandOf(specification).map(fill);
    const { directory, limits = {}, env = {} } = specification;
    const runName = `${fileName(name).slice(0, 64)}.${functionId}.${run}`;
    const container = this.#containerOf(runName, specification);
    const environment = container ? addedEnvironment(env, fill) : environmentOf(env, fill);
    let group: FunctionGroup;
    try {
      const refusal = specification.kind === 'process' ? null : this.refusal(specification);
      if (refusal !== null) throw new Error(refusal);
      group = await this.#groups.create(runName, groupLimitsOf(specification));
    } catch (error) {
      ended((error as Error).message);
      return;
    }
    let started: RunningProgram | undefined;
    let network: FunctionNetwork | null = null;
    try {
      network = await this.#createNetwork(runName, specification);
      const state = await states?.open({
        functionId,
        run,
        name,
        specification,
        environment,
        fill,
        pid: () => started?.identity?.pid ?? null,
        ...(container && { context: container.context(specification) }),
        network,
      });
      const own = { ...environment, ...group.environment, ...state?.environment };
      const words = program === '' ? [] : [program, ...rest];
      started = startProgram({
        command: group.enter(
          container?.prepare({
            specification,
            name,
            command: words,
            environment: own,
            shared: state?.folder ?? null,
          }) ?? words,
        ),
        environment: container ? { ...environmentOf({}, fill), ...group.environment } : own,
        ...(directory === undefined || container ? {} : { directory }),
        ...(network === null ? {} : { namespace: network.namespace }),
        output: { linesMax: OUTPUT_LINES, logPath: `${folder}/output/${fileName(name)}.log` },
      });
    } catch (error) {
      this.#groups.end(group);
      this.#closeNetwork(runName, network);
      this.#endContainer(container);
      ended((error as Error).message);
      return;
    }
    const { identity } = started;
    if (identity) group.began(identity);
    const running: Running = {
      run,
      name,
      program: started,
      group,
      network,
      container,
      meter: new FunctionMeter(group, limits, directory ?? process.cwd()),
      limits,
      startedMs: this.#options.clocks.boottimeMs(),
      bootTime: ntpTimestamp(this.#options.clocks.wallMs()),
      fill,
      environment,
      directory,
      lines: '',
    };
    this.#running.set(functionId, running);
    this.#writeDown();
    if (identity) give({ type: 'started', functionId, run, pid: identity.pid, address, port });
    started.onExit((exit) => {
      // Before the next start, which wants the same names.
      this.#closeNetwork(runName, network);
      // The news at once: a standby waits for it.
      ended(exitReason(container?.exitOf(exit) ?? exit, program, memoryReason(group, limits)));
      // What it started in turn goes with it: it would keep the port from the next start.
      void started.stop(0);
      this.#groups.end(group);
      this.#endContainer(container);
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
    const { network, container } = running;
    // A command sees what the function sees; its process is made at once. The others ask from where users are.
    const { ok, reason } = await (network !== null && container === null && type === 'command'
      ? inNamespace(network.namespace.fd, ask)
      : ask());
    this.#options.give({ type: 'health', functionId, run, ok, reason });
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
      .map(([functionId, { name, program, run, limits, startedMs, meter }]) => ({
        functionId,
        name,
        pid: program.identity?.pid ?? null,
        upMs: Math.max(0, Math.round(nowMs - startedMs)),
        restarts: run - 1,
        limits,
        usage: meter.usage,
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** How functions are kept together and bounded here, for people. */
  get groupsDescription(): string {
    return this.#groups.description;
  }

  /** Ends whatever is left. */
  async close(): Promise<void> {
    clearInterval(this.#sampler);
    await Promise.all([...this.#running.values()].map(({ program }) => program.stop(1_000)));
    await this.#groups.close();
    const { containers } = this.#options;
    if (containers instanceof FunctionContainers) await containers.close();
  }

  #containerOf(name: string, { container }: FunctionSpecification): FunctionContainer | null {
    const { containers } = this.#options;
    return container && containers instanceof FunctionContainers ? containers.of(name) : null;
  }

  #endContainer(container: FunctionContainer | null): void {
    const { containers, warn } = this.#options;
    if (container && containers instanceof FunctionContainers) containers.end(container, warn);
  }

  async #createNetwork(
    name: string,
    { netns, state }: FunctionSpecification,
  ): Promise<FunctionNetwork | null> {
    const { networks } = this.#options;
    if (!netns || !(networks instanceof FunctionNetworks)) return null;
    return networks.create(name, netns, state?.via === 'conntrack');
  }

  #closeNetwork(name: string, network: FunctionNetwork | null): void {
    try {
      network?.close();
    } catch (error) {
      this.#options.warn?.(`${name}: its network is not removed: ${(error as Error).message}`);
    }
  }

  #sample(): void {
    if (this.#samples++ % TRAFFIC_SAMPLES === 0) void this.#countTraffic();
    for (const [functionId, running] of this.#running) {
      this.#measure(functionId, running);
      this.#tellOutput(functionId, running);
    }
  }

  async #countTraffic(): Promise<void> {
    const counts = await this.#groups.traffic([...this.#running.values()].map(({ group }) => group.name));
    const atMs = this.#options.clocks.boottimeMs();
    for (const { group, meter } of this.#running.values()) {
      const count = counts.get(group.name);
      if (count !== undefined) meter.countTraffic(atMs, count);
    }
  }

  #measure(functionId: FunctionId, { meter, name, run }: Running): void {
    try {
      meter.sample(this.#options.clocks.boottimeMs());
    } catch (error) {
      // Its group was removed by somebody else; the function goes on unmeasured.
      this.#options.warn?.(`${name} is not measured: ${(error as Error).message}`);
      return;
    }
    this.#options.give({ type: 'load', functionId, run, fraction: meter.loadFraction });
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

/** The command of a check, with what the function was given. */
function checkCommandOf(
  command: readonly string[],
  { fill, environment, directory, container }: Running,
): CommandCheck {
  const filled = command.map(fill);
  if (container !== null) return container.enter(filled);
  return { command: filled, environment, ...(directory === undefined ? {} : { directory }) };
}

/** What a group can bound: the storage of a container is its own root's size. */
function groupLimitsOf({
  limits = {},
  container,
}: Pick<FunctionSpecification, 'limits' | 'container'>): FunctionLimits {
  if (container === undefined) return limits;
  const { storageBytes: _storage, ...rest } = limits;
  return rest;
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
