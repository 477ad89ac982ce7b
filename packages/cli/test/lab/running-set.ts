// SPDX-License-Identifier: Apache-2.0
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type {
  FailoverView,
  InstanceView,
  LabProcessView,
  SlotView,
  StateView,
} from '@vnfpool/core/management';
import { commandLine, familyOf, innerPid } from './host.ts';
import { ask, bin, type Child, type Ended, edgeFile, run, start, until, vnfpool } from './support.ts';

/**
 * The example's declaration for a file that stands elsewhere. Its leases are longer, and so are its health checks: on a
 * machine that does much else short ones may run out by themselves, which is safe, and not what these labs are about.
 */
export function edgeDeclaration(): string {
  return readFileSync(edgeFile, 'utf8')
    .replaceAll(/arguments: \[(web|calc)\.mjs/g, `arguments: [${dirname(edgeFile)}/$1.mjs`)
    .replaceAll('every: 500ms, timeout: 400ms', 'every: 1s, timeout: 1s')
    .replace('fall: 2', 'fall: 3')
    .replace('lease: 300ms', 'lease: 1s')
    .replace('policy: least-used', 'policy: least-used\n    failover: { lease: 1s }');
}

export interface UpSettings {
  /** Default: the example's declaration, see `edgeDeclaration`. */
  readonly file?: string;
  /** Folder of an earlier run; default: a new one. */
  readonly folder?: string;
  readonly args?: readonly string[];
  /** Put before our program, to run it as somebody else. */
  readonly before?: readonly string[];
}

/** One path to Unix sockets: their names are bounded at 107 octets. */
export function labFolder(): string {
  return mkdtempSync('/tmp/vl-');
}

/** A set that `vnfpool up` runs, as somebody at the command line meets it. */
export class RunningSet {
  readonly folder: string;
  readonly child: Child;
  readonly #keepsFolder: boolean;

  constructor(folder: string, child: Child, keepsFolder: boolean) {
    this.folder = folder;
    this.child = child;
    this.#keepsFolder = keepsFolder;
  }

  /** Starts `up` and resolves when it says that the set is up. */
  static async start(settings: UpSettings = {}): Promise<RunningSet> {
    const folder = settings.folder ?? labFolder();
    let { file } = settings;
    if (file === undefined) {
      file = `${folder}.yaml`;
      writeFileSync(file, edgeDeclaration());
      chmodSync(file, 0o644);
    }
    const command = [process.execPath, bin, 'up', file, '--state', folder, '--port', '0'];
    const child = start([...(settings.before ?? []), ...command, ...(settings.args ?? [])]);
    const set = new RunningSet(folder, child, settings.folder !== undefined);
    try {
      await until('up says that the set is up', () => {
        if (child.isOver()) throw new Error(`up ended: ${child.stderr()}${child.stdout()}`);
        return child.stdout().includes('Ctrl-C takes everything down');
      });
      // The set does not wait for its traffic sources; tests that measure do.
      const sources = (await set.lab()).filter(({ kind }) => kind === 'traffic').length;
      await set.untilState('every traffic source tells', ({ traffic }) => traffic.length >= sources);
    } catch (error) {
      await set.takeDown();
      throw error;
    }
    return set;
  }

  /** Address and token of the page, as printed. */
  page(): { readonly host: string; readonly port: number; readonly token: string } {
    const match = /http:\/\/127\.0\.0\.1:(\d+)\/#token=(\S+)/.exec(this.child.stdout());
    return { host: '127.0.0.1', port: Number(match?.[1]), token: match?.[2] ?? '' };
  }

  async get<T>(path: string): Promise<T> {
    const { status, text } = await ask({ socketPath: `${this.folder}/api.sock` }, path);
    if (status !== 200) throw new Error(`${path}: status ${status}: ${text}`);
    return JSON.parse(text) as T;
  }

  state(): Promise<StateView> {
    return this.get<StateView>('/v1/state');
  }

  /** Polls the state until it is so; a manager that is away is waited for. */
  async untilState(what: string, isSo: (state: StateView) => unknown): Promise<StateView> {
    let last: StateView | null = null;
    try {
      return await until(what, async () => {
        last = await this.state().catch(() => null);
        return last !== null && isSo(last) ? last : null;
      });
    } catch (error) {
      throw new Error(`${(error as Error).message}; the last state was ${summary(last)}`, { cause: error });
    }
  }

  /** Every pool has what was asked for, and traffic gets answers. */
  whole(): Promise<StateView> {
    return this.untilState('the set is whole', isWhole);
  }

  async lab(): Promise<readonly LabProcessView[]> {
    return (await this.get<{ processes: LabProcessView[] }>('/v1/lab')).processes;
  }

  cli(...args: readonly string[]): Promise<Ended> {
    return vnfpool(...args, '--state', this.folder);
  }

  /** A command that must go well. */
  async must(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.cli(...args);
    if (code !== 0) throw new Error(`vnfpool ${args.join(' ')}: exit code ${code}: ${stderr}${stdout}`);
    return stdout;
  }

  /** Host's pid of a process of the set, by its pid inside. */
  hostPid(inside: number): number {
    const found = this.findHostPid(inside);
    if (found === undefined) throw new Error(`no process ${inside} inside`);
    return found;
  }

  /** As `hostPid`; undefined if there is none. */
  findHostPid(inside: number): number | undefined {
    return familyOf(this.child.pid).find(({ pid }) => pid !== this.child.pid && innerPid(pid) === inside)
      ?.pid;
  }

  /** Host's pid of a daemon of the set. */
  async pidOf(name: string): Promise<number> {
    const inside = (await this.lab()).find((each) => each.name === name)?.pid;
    if (!inside) throw new Error(`${name} is not running`);
    return this.hostPid(inside);
  }

  /** Host's pid of the process that made the bridge and holds the set together. */
  labPid(): number {
    const found = familyOf(this.child.pid).findLast(({ pid }) =>
      /^\S*node\S* \S*lab-main/.test(commandLine(pid)),
    );
    if (!found) throw new Error('no lab process');
    return found.pid;
  }

  /** Runs a program in the network namespace of one of the set's processes. */
  inside(hostPid: number, ...command: readonly string[]): Promise<Ended> {
    return run(['nsenter', '-t', String(hostPid), '-n', '--', ...command]);
  }

  log(name: string): string {
    return readFileSync(`${this.folder}/${name}.log`, 'utf8');
  }

  /** Starts and resumes whatever was killed or paused. */
  async mend(): Promise<void> {
    for (const { name, state } of await this.lab().catch(() => [])) {
      if (state === 'paused') await this.cli('resume', name);
      if (state === 'stopped') await this.cli('start', name);
    }
  }

  /** Ctrl-C, and how it ended. */
  async interrupt(): Promise<Ended> {
    this.child.process.kill('SIGINT');
    return await this.child.ended;
  }

  /** Whatever happened, nothing stays. */
  async takeDown(): Promise<void> {
    if (!this.child.isOver()) {
      this.child.process.kill('SIGTERM');
      const late = setTimeout(() => this.child.process.kill('SIGKILL'), 15_000);
      await this.child.ended;
      clearTimeout(late);
    }
    rmSync(`${this.folder}.yaml`, { force: true });
    if (!this.#keepsFolder) rmSync(this.folder, { recursive: true, force: true });
  }
}

export function isWhole(state: StateView): boolean {
  return (
    state.sets.length === 1 &&
    state.sets.every(
      (set) =>
        set.health === 'whole' &&
        set.councils.every(({ reachable, members }) => reachable === members.length),
    ) &&
    state.nodes.every((node) => node.status === 'registered' && node.muteMs === 0) &&
    state.pools.every((pool) => pool.health === 'whole') &&
    state.instances.every(({ status, healthy }) => status === 'running' && healthy) &&
    state.traffic.every(({ failingSince, ok }) => failingSince === null && ok > 0)
  );
}

function summary(state: StateView | null): string {
  if (state === null) return 'not to be had';
  const { sets, pools, instances, nodes, slots, failovers, traffic } = state;
  return JSON.stringify({
    slots,
    sets,
    pools,
    nodes,
    instances: instances.map(({ output: _output, ...rest }) => rest),
    failovers: failovers.slice(0, 3),
    traffic: traffic.map(({ series: _series, history: _history, ...rest }) => rest),
  });
}

export function slotOf(state: StateView, pool: string, index = 0): SlotView {
  const found = state.slots.find((slot) => slot.pool === pool && slot.index === index);
  if (!found) throw new Error(`no slot ${pool}/${index}`);
  return found;
}

export function instanceOf(state: StateView, name: string): InstanceView {
  const found = state.instances.find((instance) => instance.name === name);
  if (!found) throw new Error(`no instance ${name}`);
  return found;
}

/**
 * The newest record of who took a slot after it was as here. Its epoch may be below the slot's by now: a holder may raise
 * it for itself.
 */
export function failoverSince(state: StateView, { pool, index, epoch }: SlotView): FailoverView | undefined {
  return state.failovers.find(
    (record) => record.pool === pool && record.slot === index && record.epoch > epoch,
  );
}
