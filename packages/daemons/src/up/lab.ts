// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { type DeclaredProbe, type DeclaredSet, slotAddresses } from '@vnfpool/core/declared';
import type { LabRequest, LabView } from '@vnfpool/core/management';
import { sendSignal } from '@vnfpool/platform/processes';
import { CredentialsError, checkCredentials, loadCredentials } from '@vnfpool/runtime/certificates';
import { plainAddress } from '@vnfpool/wire/mobility';
import { postJson } from '../post-json.ts';
import { isStillThere, type ProcessRecord, recordProcess } from '../process-record.ts';
import { boundLog } from './bound-log.ts';
import { LabProcess, type LabProcessKind } from './lab-process.ts';
import type { Layout } from './layout.ts';

export interface LabOptions {
  readonly set: DeclaredSet;
  readonly declaration: { readonly text: string; readonly file: string };
  readonly layout: Layout;
  readonly mode: 'namespaces' | 'loopback';
  readonly network: LabNetwork;
  /** The set's runtime folder. */
  readonly folder: string;
  /** How to start one of our daemons: program and first arguments. */
  readonly command: readonly string[];
  readonly say: (line: string) => void;
}

/** The network that joins the processes. Without namespaces nothing can be cut. */
export interface LabNetwork {
  inside<T>(host: string, body: () => T): T;
  cut(host: string): void;
  heal(host: string): void;
}

export class LabError extends Error {
  readonly code: 'unknown-target' | 'wrong-state';

  constructor(code: LabError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** Arguments of a daemon: always, at its first start, and at later ones by what it said at the first. */
interface Arguments {
  readonly fixed: readonly string[];
  readonly first?: readonly string[];
  readonly again?: (facts: Readonly<Record<string, unknown>>) => readonly string[];
}

const STOP_MS = 5_000;
const TOKEN_MS = 60_000;
const LOGS_MS = 60_000;

/** Brings the processes of a set up in order, breaks them on request and takes them down again. */
export class Lab {
  readonly #options: LabOptions;
  readonly #processes = new Map<string, LabProcess>();
  readonly #logs: NodeJS.Timeout;
  #ending = false;

  constructor(options: LabOptions) {
    this.#options = options;
    this.#logs = setInterval(() => this.#boundLogs(), LOGS_MS);
  }

  /** Resolves when registrar, manager and nodes serve and the declaration is applied; traffic follows. */
  async bringUp(): Promise<void> {
    const { layout, folder, mode, set } = this.#options;
    const managerSocket = `${folder}/manager/api.sock`;
    // On loopback all share one address: ports are whatever is free, and kept from then on.
    const free = mode === 'loopback';
    const manager = this.#add('manager', 'manager', 'manager', layout.manager, {
      fixed: ['--set', set.name, '--mode', mode, '--api-socket', managerSocket],
      first: free ? ['--port', '0', '--join-port', '0'] : [],
      again: ({ port, joinPort }) => ['--port', String(port), '--join-port', String(joinPort)],
    });
    await manager.start();
    // What a kept state folder holds from an earlier run is used again, if that was no longer ago than a certificate lasts.
    const token = async (role: string, name: string): Promise<string | null> => {
      if (loadCredentials(`${folder}/${name}`) !== null) return null;
      const answer = await postJson(managerSocket, '/v1/tokens', { role, name, ttlMs: TOKEN_MS });
      return String(answer['token']);
    };
    const registrar = this.#add('registrar', 'registrar', 'registrar', layout.registrar, {
      fixed: [],
      first: free ? ['--port', '0'] : [],
      again: ({ port }) => ['--port', String(port)],
    });
    const nodes = [...layout.nodes].map(([name, address]) =>
      this.#add(name, 'node', 'node', address, {
        fixed: ['--name', name, ...(free ? ['--loopback'] : ['--interface', 'eth0'])],
        first: free ? ['--port', '0'] : [],
        again: ({ leasePort }) => ['--port', String(leasePort)],
      }),
    );
    const registrarServes = registrar.start(await token('registrar', 'registrar'));
    const joins: Promise<unknown>[] = [registrarServes];
    for (const node of nodes) joins.push(node.start(await token('node', node.options.name)));
    await Promise.all(joins);
    await postJson(managerSocket, '/v1/apply', this.#options.declaration);
    const { port } = await registrarServes;
    const registrarPlace = `${layout.registrar}:${String(port)}`;
    for (const probe of set.probes) {
      const name = `traffic-${probe.pool}`;
      const fixed = this.#trafficArguments(probe, name, managerSocket, registrarPlace);
      const traffic = this.#add(name, 'traffic', 'traffic', layout.traffic, { fixed });
      // The set serves without its watchers: nobody waits for them.
      token('user', name)
        .then((once) => traffic.start(once))
        .catch((error: unknown) => {
          if (!this.#ending) this.#options.say(`${name}: ${(error as Error).message}`);
        });
    }
  }

  view(): LabView {
    const processes = [...this.#processes.values()].map((entry) => ({
      name: entry.options.name,
      kind: entry.options.kind,
      state: entry.state,
      pid: entry.pid,
    }));
    return { available: true, mode: this.#options.mode, processes };
  }

  /** Carries out a fault, or undoes one. @throws LabError */
  async act({ action, target }: LabRequest): Promise<void> {
    const entry = this.#processes.get(target);
    if (entry) await this.#actOnProcess(entry, action);
    else this.#actOnInstance(target, action);
    this.#options.say(`${action} ${target}`);
  }

  async takeDown(): Promise<void> {
    clearInterval(this.#logs);
    this.#ending = true;
    const order: LabProcessKind[] = ['traffic', 'node', 'registrar', 'manager'];
    for (const kind of order) {
      const some = [...this.#processes.values()].filter((entry) => entry.options.kind === kind);
      await Promise.all(some.map((entry) => entry.stop(STOP_MS)));
    }
  }

  async #actOnProcess(entry: LabProcess, action: LabRequest['action']): Promise<void> {
    const { name, kind } = entry.options;
    const { network } = this.#options;
    try {
      switch (action) {
        case 'kill':
          entry.kill();
          if (kind === 'node') network.cut(name);
          return;
        case 'pause':
          entry.pause();
          return;
        case 'replace':
          if (kind !== 'node') throw new Error(`${name} is no node: only an agent hands on what it holds`);
          await entry.replace();
          return;
        case 'resume':
          entry.resume();
          return;
        case 'start':
          if (entry.state !== 'stopped') throw new Error(`${name} is already ${entry.state}`);
          if (kind === 'node') network.heal(name);
          await entry.start();
          return;
      }
    } catch (error) {
      throw new LabError('wrong-state', (error as Error).message);
    }
  }

  /** An instance is a process of a node agent, which writes down what it runs. */
  #actOnInstance(target: string, action: LabRequest['action']): void {
    const running = this.#instances().get(target);
    if (!running) {
      const known = [...this.#processes.keys(), ...this.#instances().keys()].join(', ');
      throw new LabError('unknown-target', `nothing here is called ${target}; there are: ${known}`);
    }
    if (action === 'start') {
      throw new LabError(
        'wrong-state',
        `${target} is running; its node agent starts it again by itself when it ends`,
      );
    }
    if (action === 'replace') {
      throw new LabError('wrong-state', `${target} is no node: only an agent hands on what it holds`);
    }
    const names = { kill: 'SIGKILL', pause: 'SIGSTOP', resume: 'SIGCONT' } as const;
    if (process.platform === 'linux' && !isStillThere(running)) {
      throw new LabError('wrong-state', `${target} has just ended`);
    }
    if (!sendSignal(running.pid, names[action]))
      throw new LabError('wrong-state', `${target} has just ended`);
  }

  #instances(): Map<string, ProcessRecord> {
    const nodes = [...this.#options.layout.nodes.keys()];
    return new Map(nodes.flatMap((name) => [...this.#functionsOf(name)]));
  }

  /** What the agent of a node runs, by name of the instance; nothing where it has not written it yet. */
  #functionsOf(node: string): Map<string, ProcessRecord> {
    try {
      const text = readFileSync(`${this.#options.folder}/${node}/functions.json`, 'utf8');
      const entries = JSON.parse(text) as (ProcessRecord & { readonly name: string })[];
      return new Map(entries.map((entry) => [entry.name, entry]));
    } catch {
      return new Map();
    }
  }

  #add(name: string, kind: LabProcessKind, verb: string, address: string, given: Arguments): LabProcess {
    const { folder, network, command, mode, say } = this.#options;
    const state = `${folder}/${name}`;
    mkdirSync(state, { recursive: true, mode: 0o700 });
    const entry = new LabProcess({
      name,
      kind,
      command: [...command, verb, '--state', state, '--listen', address, ...given.fixed],
      first: given.first ?? [],
      again: given.again ?? (() => []),
      logFile: `${folder}/${name}.log`,
      inside: (body) => network.inside(kind === 'traffic' ? 'traffic' : name, body),
      endOutliving: () => {
        const left = kind === 'node' ? [...this.#functionsOf(name).values()] : [];
        for (const record of left) if (isStillThere(record)) sendSignal(record.pid, 'SIGKILL');
      },
      ownNamespace: mode === 'namespaces' && kind === 'node',
      onStarted: () => this.#writeDown(),
      onUnexpectedExit: (reason) => say(`${name} ended (${reason}); starting it again`),
    });
    this.#processes.set(name, entry);
    return entry;
  }

  /** The folder is in memory on many systems. */
  #boundLogs(): void {
    for (const { options } of this.#processes.values()) {
      try {
        boundLog(options.logFile);
      } catch (error) {
        this.#options.say(`${options.logFile} cannot be cut: ${(error as Error).message}`);
      }
    }
  }

  /** For whoever cleans up after us when we are killed. */
  #writeDown(): void {
    const records = [...this.#processes.values()].flatMap(({ pid }) =>
      pid === null ? [] : [recordProcess(pid)],
    );
    const file = `${this.#options.folder}/processes.json`;
    writeFileSync(`${file}.new`, `${JSON.stringify(records)}\n`, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }

  #trafficArguments(probe: DeclaredProbe, name: string, managerSocket: string, registrar: string): string[] {
    const { set, mode } = this.#options;
    const pool = set.pools.find((candidate) => candidate.name === probe.pool);
    // The traffic source has an IPv4 address only.
    const virtual = pool ? slotAddresses(pool, 0).find((text) => !text.includes(':')) : undefined;
    const address = virtual && plainAddress(virtual);
    const how =
      mode === 'namespaces' && pool && address
        ? ['--url', `http://${address}:${pool.function.port}${probe.path}`]
        : ['--registrar', registrar, '--path', probe.path];
    const pace = ['--every', `${probe.everyMs}ms`, '--deadline', `${probe.deadlineMs}ms`];
    return ['--name', name, '--pool', probe.pool, '--api-socket', managerSocket, ...pace, ...how];
  }
}

/** Good, and for long enough that they are good when the process reads them. */
export function hasGoodCredentials(folder: string, nowMs: number = Date.now()): boolean {
  const credentials = loadCredentials(folder);
  if (credentials === null) return false;
  try {
    checkCredentials(credentials, nowMs + TOKEN_MS);
    return true;
  } catch (error) {
    if (error instanceof CredentialsError) return false;
    throw error;
  }
}
