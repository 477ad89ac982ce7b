// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import type { HandlespaceView } from '@vnfpool/daemons/registrar';
import { familyOf, type HostProcess, lives } from './host.ts';
import { Hosts } from './hosts.ts';
import { ask, type Child, until } from './support.ts';
import { UserSession } from './user-session.ts';

/*
 * A scope without a set, on hosts of its own: registrars and elements as shipped, each in a network namespace. What
 * they know is read from their status sockets, which do not need the network.
 */

/**
 * Timers of the lab: short, yet long enough for a machine that does other things too. An element tells of itself every
 * few minutes only: what is repaired within the deadline of `until` was repaired by registrars.
 */
const TIMERS = {
  'peer-heartbeat-cycle': 300,
  'max-time-last-heard': 1_500,
  'max-time-no-response': 1_000,
  'takeover-expiry': 500,
  'mentor-discovery-timeout': 1_000,
  'mentor-retry': 200,
  'reconnect-max': 2_000,
  'keep-alive-period': 500,
  'keep-alive-timeout': 1_000,
  'association-grace': 500,
} as const;

/** Two seconds or more with peers or elements of its own: longer than until a peer counts as silent, or is audited. */
const SETTLED_MESSAGES = 16;

/** In /proc/net/tcp; who listens has a queue too, of connections. */
const ESTABLISHED = '01';

/** Line by line, with its name before each. */
const SERVER = `require('net').createServer((c) => {
  c.on('data', (d) => c.write(process.argv[1] + ' ' + d)).on('error', () => {});
}).listen(Number(process.env.PORT), process.env.ADDRESS)`;

export class ScopeHosts {
  readonly hosts: Hosts;
  readonly #registrars: Readonly<Record<string, string>>;
  readonly #others: Readonly<Record<string, string>>;
  readonly #running = new Map<string, Child>();
  readonly #ports = new Map<string, number>();
  readonly #cut = new Set<string>();
  readonly #parted = new Set<readonly [string, string]>();
  readonly #sessions: UserSession[] = [];

  constructor(registrars: Readonly<Record<string, string>>, others: Readonly<Record<string, string>>) {
    this.#registrars = registrars;
    this.#others = others;
    this.hosts = new Hosts({ ...registrars, ...others });
  }

  #address(host: string): string {
    return this.#registrars[host] ?? this.#others[host] ?? '';
  }

  #endpoint(registrar: string): string {
    return `tcp://${this.#address(registrar)}`;
  }

  /** A registrar by its host, an element by its identifier. */
  child(name: string): Child {
    const child = this.#running.get(name);
    if (child === undefined) throw new Error(`${name} was not started`);
    return child;
  }

  /** Starts a registrar, with all others as possible mentors. */
  async registrar(host: string): Promise<Child> {
    const own = this.#endpoint(host);
    const peers = Object.keys(this.#registrars)
      .filter((each) => each !== host)
      .map((each) => this.#endpoint(each));
    const timers = Object.entries(TIMERS).flatMap(([name, ms]) => [`--${name}`, `${ms}ms`]);
    const args = ['--state', this.hosts.stateOf(host), '--name', host, '--asap', own, '--enrp', own];
    const mentors = peers.flatMap((peer) => ['--peer', peer]);
    const child = this.hosts.daemon(host, 'registrar', '--open', ...args, ...mentors, ...timers);
    this.#running.set(host, child);
    await this.hosts.ready(child);
    return child;
  }

  /** Starts a server in a pool, which looks for registrars in this order. */
  async element(
    host: string,
    pool: string,
    id: string,
    port: number,
    order: readonly string[],
  ): Promise<Child> {
    const at = ['--address', this.#address(host), '--port', String(port), '--every', '200ms'];
    const registrars = order.flatMap((each) => ['--registrar', this.#endpoint(each)]);
    const server = ['--', process.execPath, '-e', SERVER, id];
    const args = ['--pool', pool, '--id', id, ...at, ...registrars, ...server];
    const child = this.hosts.daemon(host, 'element', '--open', ...args);
    this.#running.set(id, child);
    this.#ports.set(id, port);
    await this.hosts.ready(child);
    return child;
  }

  /** Ends a process and its children at once, without a word of theirs. */
  async kill(name: string): Promise<void> {
    const child = this.child(name);
    // All stand still first: an element whose server is gone before it is would still say goodbye.
    for (const { pid } of freeze(child)) process.kill(pid, 'SIGKILL');
    await child.ended;
  }

  /**
   * Kills an element as `kill`, with a request in hand that it has not read: only then is the other end told by
   * a reset that this is no orderly end.
   * @param ask Sends the request, when the element stands still
   */
  async killBusy(name: string, ask: () => void): Promise<void> {
    const child = this.child(name);
    const family = freeze(child);
    ask();
    await until(
      'the request waits at the element',
      () => waitingOctets(child.pid, this.#ports.get(name)) > 0,
    );
    for (const { pid } of family) process.kill(pid, 'SIGKILL');
    await child.ended;
  }

  /** Ends a process as its operator would. */
  async stop(name: string): Promise<void> {
    const child = this.child(name);
    child.process.kill('SIGTERM');
    const { code } = await child.ended;
    if (code !== 0) throw new Error(`${name} ended with ${code}: ${lastLines(child)}`);
  }

  /** Opens a session with a pool from a host, by the first of these registrars that answers. */
  async session(host: string, pool: string, registrars: readonly string[]): Promise<UserSession> {
    const endpoints = registrars.map((registrar) => this.#endpoint(registrar));
    const fifo = `${this.hosts.folder}/session-${this.#sessions.length}`;
    const session = new UserSession({ hosts: this.hosts, host, pool, endpoints, fifo });
    this.#sessions.push(session);
    await session.opened();
    return session;
  }

  /** Nothing is stopped or cut off any more. */
  async mend(): Promise<void> {
    for (const child of this.#running.values()) if (!child.isOver()) child.process.kill('SIGCONT');
    for (const host of this.#cut) this.heal(host);
    for (const [one, two] of this.#parted) await this.join(one, two);
  }

  /** Takes a host off the network; what runs on it goes on. */
  cut(host: string): void {
    this.#cut.add(host);
    this.hosts.network.cut(host);
  }

  heal(host: string): void {
    this.hosts.network.heal(host);
    this.#cut.delete(host);
  }

  /** Two hosts do not reach each other any more; all others do. */
  async part(one: string, two: string): Promise<void> {
    this.#parted.add([one, two]);
    await this.#blackhole('add', one, two);
  }

  async join(one: string, two: string): Promise<void> {
    for (const pair of this.#parted) if (pair[0] === one && pair[1] === two) this.#parted.delete(pair);
    await this.#blackhole('del', one, two);
  }

  async #blackhole(what: 'add' | 'del', host: string, to: string): Promise<void> {
    const command = ['ip', 'route', what, 'blackhole', `${this.#address(to)}/32`];
    const { code } = await this.hosts.start(host, command).ended;
    if (code !== 0) throw new Error(`${command.join(' ')} on ${host}: exit code ${code}`);
  }

  async view(host: string): Promise<HandlespaceView> {
    const socketPath = `${this.hosts.stateOf(host)}/registrar.sock`;
    return JSON.parse((await ask({ socketPath }, '/v1/handlespace')).text) as HandlespaceView;
  }

  /**
   * Looks until this is so of the views of these registrars, and stays so in all looks while each of them asks elements
   * and tells peers of itself for a while: what is wrong with their tables comes up then.
   */
  async untilSettled(
    what: string,
    hosts: readonly string[],
    isSo: (views: readonly HandlespaceView[]) => boolean,
  ): Promise<readonly HandlespaceView[]> {
    let last: readonly HandlespaceView[] = [];
    let since: readonly number[] | null = null;
    try {
      return await until(what, async () => {
        last = await Promise.all(hosts.map((host) => this.view(host)));
        const sent = last.map(messagesSent);
        since = isSo(last) ? (since ?? sent) : null;
        return since?.every((count, index) => (sent[index] ?? 0) >= count + SETTLED_MESSAGES) ? last : null;
      });
    } catch (error) {
      const told = hosts.map((host, index) => `${host}: ${JSON.stringify(last[index])}`);
      const logs = [...this.#running].map(([name, child]) => `${name}: ${lastLines(child)}`);
      throw new Error([(error as Error).message, ...told, ...logs].join('\n'), { cause: error });
    }
  }

  async takeDown(): Promise<void> {
    await this.mend();
    await Promise.all(this.#sessions.map((session) => session.close()));
    await this.hosts.takeDown();
  }
}

/** Stops a process and its children; says which these are. */
function freeze(child: Child): HostProcess[] {
  const family = familyOf(child.pid).filter(lives);
  for (const { pid } of family) process.kill(pid, 'SIGSTOP');
  return family;
}

function messagesSent({ counters }: HandlespaceView): number {
  return (counters['presencesSent'] ?? 0) + (counters['keepAlivesSent'] ?? 0);
}

function lastLines(child: Child): string {
  return child.stderr().split('\n').slice(-40).join('\n');
}

/** Octets that connections at a port of a process's network have received and that nobody has read. */
function waitingOctets(pid: number, port = 0): number {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return readFileSync(`/proc/${pid}/net/tcp`, 'utf8')
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, address, , state]) => address?.endsWith(local) === true && state === ESTABLISHED)
    .reduce((sum, [, , , , queues]) => sum + Number.parseInt(queues?.split(':')[1] ?? '0', 16), 0);
}
