// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import type { StateView } from '@vnfpool/core/management';
import { createNamespace, createNetwork, inNamespace, type Network } from '@vnfpool/platform/namespaces';
import { readOptionalFile } from '@vnfpool/runtime/files';
import { labMissing } from '../../../platform/test/support/lab.ts';
import { labFolder } from './running-set.ts';
import { ask, bin, type Child, type Ended, notBuilt, start, until, vnfpool } from './support.ts';

/** Why a lab of hosts cannot run here, or nothing. */
export const missing: string =
  labMissing ||
  notBuilt ||
  (spawnSync('ip', ['-V']).error === undefined ? '' : 'hosts are set up by ip: not installed');

/** Hosts joined by a switch, on which daemons are started by hand, as on hosts of one's own. */
export class Hosts {
  readonly folder: string = labFolder();
  readonly network: Network;
  readonly #home: ReturnType<typeof createNamespace>;
  readonly #children: Child[] = [];
  /** Of Node, for daemons that are started from now on. */
  nodeOptions: readonly string[] = [];

  /** `addresses`: each host's address, in 10.78.0.0/24. */
  constructor(addresses: Readonly<Record<string, string>>) {
    this.#home = createNamespace();
    const hosts = Object.entries(addresses).map(([name, address]) => ({ name, address: `${address}/24` }));
    this.network = inNamespace(this.#home.fd, () => createNetwork({ bridge: 'br0', hosts }));
  }

  /** Starts a program on a host. */
  start(host: string, command: readonly string[]): Child {
    const child = inNamespace(this.network.host(host).namespace.fd, () => start(command));
    this.#children.push(child);
    return child;
  }

  /** Starts one of our daemons on a host; its state folder is named after the host. */
  daemon(host: string, ...args: readonly string[]): Child {
    mkdirSync(this.stateOf(host), { recursive: true });
    return this.start(host, [process.execPath, ...this.nodeOptions, bin, ...args]);
  }

  on<Result>(host: string, work: () => Result): Result {
    return inNamespace(this.network.host(host).namespace.fd, work);
  }

  /** The command `ip` on a host; what it prints. */
  ip(host: string, ...words: readonly string[]): string {
    const { status, stdout, stderr } = this.on(host, () => spawnSync('ip', words, { encoding: 'utf8' }));
    if (status !== 0) throw new Error(`ip ${words.join(' ')}: ${stderr}`);
    return stdout;
  }

  stateOf(host: string): string {
    return `${this.folder}/${host}`;
  }

  /** Waits for the line by which a daemon says that it serves. */
  async ready(child: Child): Promise<Record<string, unknown>> {
    return await until('the daemon is ready', () => {
      if (child.isOver()) throw new Error(`it ended: ${child.stderr()}`);
      const line = child
        .stdout()
        .split('\n')
        .find((each) => each.includes('"ready"'));
      return line === undefined ? null : (JSON.parse(line) as Record<string, unknown>);
    });
  }

  /**
   * The manager of a set on the host `manager`, and on each node an agent that joins it, with its lease datagrams and addresses at
   * `eth0`. Gives the agents, when all of them serve.
   */
  async startSet(set: string, nodes: readonly string[]): Promise<Map<string, Child>> {
    const [address = ''] = this.network.host('manager').address.split('/');
    const listen = ['--state', this.stateOf('manager'), '--set', set, '--listen', address];
    await this.ready(this.daemon('manager', 'manager', ...listen));
    const agents = new Map<string, Child>();
    for (const name of nodes) {
      const token = await this.token('manager', 'node', name);
      const member = ['--state', this.stateOf(name), '--name', name, '--join', token];
      agents.set(name, this.daemon(name, 'node', ...member, '--listen', 'eth0', '--interface', 'eth0'));
    }
    for (const agent of agents.values()) await this.ready(agent);
    return agents;
  }

  /** A command line against the manager of `host`. */
  cli(host: string, ...args: readonly string[]): Promise<Ended> {
    return vnfpool(...args, '--state', this.stateOf(host));
  }

  async token(host: string, role: string, name: string): Promise<string> {
    const { code, stdout, stderr } = await this.cli(host, 'token', 'create', '--role', role, '--name', name);
    if (code !== 0) throw new Error(stderr);
    return stdout.trim();
  }

  async state(host: string): Promise<StateView> {
    const { text } = await ask({ socketPath: `${this.stateOf(host)}/api.sock` }, '/v1/state');
    return JSON.parse(text) as StateView;
  }

  async untilState(host: string, what: string, isSo: (state: StateView) => unknown): Promise<StateView> {
    let last: StateView | null = null;
    try {
      return await until(what, async () => {
        last = await this.state(host).catch(() => null);
        return last !== null && isSo(last) ? last : null;
      });
    } catch (error) {
      const { pools, nodes, slots } = last ?? ({} as Partial<StateView>);
      const told = JSON.stringify({ slots, pools, nodes });
      throw new Error(`${(error as Error).message}; the last state was ${told}`, { cause: error });
    }
  }

  /** Prints what the manager has seen, for whoever looks for the cause of a failed test. */
  async tellStory(host: string): Promise<void> {
    const { stdout, stderr } = await this.cli(host, 'events');
    console.log(`${stdout}${stderr}`);
  }

  /** Processes of functions that a node's agent has written down; none, while it has not had one. */
  functionPids(host: string): number[] {
    const text = readOptionalFile(`${this.stateOf(host)}/functions.json`) ?? '[]';
    return (JSON.parse(text) as { pid: number }[]).map(({ pid }) => pid);
  }

  /** Ends everything, in the order in which it can still say goodbye; `unmount` comes before the folder goes. */
  async takeDown(unmount: () => void = () => {}): Promise<void> {
    for (const child of this.#children.toReversed()) {
      if (child.isOver()) continue;
      child.process.kill('SIGTERM');
      const late = setTimeout(() => child.process.kill('SIGKILL'), 12_000);
      await child.ended;
      clearTimeout(late);
    }
    this.network.close();
    this.#home.close();
    unmount();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
