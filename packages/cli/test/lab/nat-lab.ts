// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Conntrack, type ConntrackEntry } from '@vnfpool/platform/conntrack';
import {
  createNamespace,
  createNetwork,
  inNamespace,
  type Network,
  type NetworkNamespace,
} from '@vnfpool/platform/namespaces';
import {
  addAddress,
  createBridge,
  createVeth,
  findLink,
  listLinks,
  NETLINK_ROUTE,
  NetlinkSocket,
  parseIpv4Prefix,
  setDefaultRoute,
  setLinkMaster,
  setLinkUp,
} from '@vnfpool/platform/netlink';
import { testSet } from '@vnfpool/testkit/certificates';
import { endFunctions } from './functions-left.ts';
import { bin, until } from './support.ts';

/*
 *   client 10.1.0.2 ── lan ──┬── host a, br-lan ── gateway ── br-wan ──┬── wan ── server 192.0.2.80
 *                            └── host b, br-lan ── gateway ── br-wan ──┘
 *
 * Each host is a namespace with bridges of its own and an agent; agents and manager reach each other at 10.78.0.x. The gateway
 * is 10.1.0.1 and 192.0.2.1, wherever it is.
 */
const traffic = fileURLToPath(new URL('../../../../examples/nat-move/traffic.mjs', import.meta.url));
export const gatewayFile: string = fileURLToPath(
  new URL('../../../../examples/nat-move/gateway.json', import.meta.url),
);
const SERVER = '192.0.2.80';
const MANAGER = '10.78.0.9';
const AT = { a: '10.78.0.1', b: '10.78.0.2', manager: MANAGER } as const;
export const FUNCTION = 101;

/** A program of the lab: what it says in lines of JSON. */
export interface Talker {
  readonly process: ChildProcess;
  /** Everything that it said. */
  said(): Record<string, unknown>[];
  stderr(): string;
  readonly ended: Promise<number | null>;
  isOver(): boolean;
}

/** The lab, built; agents are started by `agent`. */
export class NatLab {
  readonly folder: string;
  readonly #home: NetworkNamespace;
  readonly #control: Network;
  readonly #client: NetworkNamespace;
  readonly #server: NetworkNamespace;
  readonly #closers: (() => void)[] = [];
  readonly #talkers: Talker[] = [];
  readonly #certificates = new Map<string, readonly string[]>();
  readonly #agents = new Map<'a' | 'b', Talker>();
  #manager: Talker | null = null;
  #asked = 0;

  constructor(folder: string) {
    this.folder = folder;
    this.#home = this.#namespace();
    this.#control = inNamespace(this.#home.fd, () =>
      createNetwork({
        bridge: 'control',
        hosts: Object.entries(AT).map(([name, address]) => ({ name, address: `${address}/24` })),
      }),
    );
    this.#closers.push(() => this.#control.close());
    this.#client = this.#namespace();
    this.#server = this.#namespace();
    this.#within(this.#home, (socket) => {
      for (const side of ['lan', 'wan']) makeBridge(socket, side);
    });
    this.#plug(this.#client, 'client', 'lan', '10.1.0.2/24');
    this.#plug(this.#server, 'server', 'wan', `${SERVER}/24`);
    this.#within(this.#client, (socket) =>
      setDefaultRoute(socket, findLink(socket, 'eth1').index, '10.1.0.1'),
    );
    for (const host of ['a', 'b'] as const) {
      const { namespace } = this.#control.host(host);
      for (const side of ['lan', 'wan']) {
        this.#within(namespace, (socket) => makeBridge(socket, `br-${side}`));
        this.#plug(namespace, `${host}-${side}`, side, null, `br-${side}`);
      }
    }
  }

  /** A manager by hand, and an agent on each of the two hosts. */
  async start(): Promise<void> {
    const set = await testSet('nat');
    const identities = [
      { role: 'manager', name: 'manager' },
      { role: 'node', name: 'a', id: 1 },
      { role: 'node', name: 'b', id: 2 },
    ] as const;
    for (const identity of identities) {
      const { key, certificate, ca } = await set.credentials(identity, { addresses: [AT[identity.name]] });
      const options = Object.entries({ key, cert: certificate, ca }).flatMap(([what, text]) => {
        const path = `${this.folder}/${identity.name}.${what}`;
        writeFileSync(path, text, { mode: 0o600 });
        return [`--${what}`, path];
      });
      this.#certificates.set(identity.name, options);
    }
    const words = [bin, 'mobility', 'serve', '--json', '--listen', `${MANAGER}:0`];
    const certificates = this.#certificates.get('manager') ?? [];
    const manager = this.#talk(this.#control.host('manager').namespace, [...words, ...certificates]);
    this.#manager = manager;
    await until('the manager listens', () => manager.said().find((line) => line['ready'] === true));
    this.agent('a');
    this.agent('b');
    await this.order('wait 1');
    await this.order('wait 2');
  }

  /** Starts the agent of a host, or starts it again. */
  agent(host: 'a' | 'b'): void {
    const port = String(this.#manager?.said().find((line) => line['ready'] === true)?.['port']);
    const words = [bin, 'node', '--manager', `${MANAGER}:${port}`, '--state', `${this.folder}/${host}`];
    const certificates = this.#certificates.get(host) ?? [];
    const { namespace } = this.#control.host(host);
    const agent = this.#talk(namespace, [...words, '--listen', AT[host], ...certificates]);
    this.#agents.set(host, agent);
  }

  /** What the agent of a host has logged. */
  log(host: 'a' | 'b'): string {
    return this.#agents.get(host)?.stderr() ?? '';
  }

  /** The agent is gone; its functions stay. */
  async killAgent(host: 'a' | 'b'): Promise<void> {
    const agent = this.#agents.get(host);
    agent?.process.kill('SIGKILL');
    await agent?.ended;
  }

  /** The node is gone, with its functions. */
  async kill(host: 'a' | 'b'): Promise<void> {
    await this.killAgent(host);
    endFunctions(this.folder, host);
  }

  /** Has the manager do a command; its result. */
  async order(command: string): Promise<Record<string, unknown>> {
    const manager = this.#manager;
    if (manager === null) throw new Error('no manager');
    const place = this.#asked++;
    manager.process.stdin?.write(`${command}\n`);
    return await until(`an answer to ${command}`, () => {
      if (manager.isOver()) throw new Error(manager.stderr());
      return manager.said().filter((line) => line['command'] !== undefined)[place];
    });
  }

  /** What the manager heard. */
  heard(): Record<string, unknown>[] {
    return this.#manager?.said() ?? [];
  }

  /** Process that holds the gateway's namespace; undefined while it is not told of on that node. */
  pid(node: 1 | 2): number | undefined {
    const told = this.heard().findLast(
      (line) =>
        line['event'] === 'function-status' && line['node'] === node && line['functionId'] === FUNCTION,
    );
    return (told?.['report'] as { pid: number | null } | undefined)?.pid ?? undefined;
  }

  /** Some work in the namespace of that process, with its table of connections. */
  table<Result>(pid: number, work: (table: Conntrack) => Result): Result {
    const fd = openSync(`/proc/${pid}/ns/net`, 'r');
    try {
      return inNamespace(fd, () => {
        const table = new Conntrack();
        try {
          return work(table);
        } finally {
          table.close();
        }
      });
    } finally {
      closeSync(fd);
    }
  }

  /** Connections as both sides see them, the translation included. */
  connections(pid: number): string[] {
    const flow = ({ original, reply }: ConntrackEntry): string => JSON.stringify([original, reply]);
    return this.table(pid, (table) => [...table.dump()].flat().map(flow));
  }

  /** Links of functions on a host. */
  functionLinks(host: 'a' | 'b'): string[] {
    return this.#within(this.#control.host(host).namespace, (socket) =>
      listLinks(socket).flatMap(({ name, alias }) => (alias === '' ? [] : [name])),
    );
  }

  server(): Promise<Talker> {
    return this.#ready(this.#talk(this.#server, [traffic, 'server', SERVER]));
  }

  /** Questions and datagrams through the gateway. */
  client(): Promise<Talker> {
    return this.#ready(this.#talk(this.#client, [traffic, 'client', SERVER]));
  }

  /** A download by curl, into a file; ends with curl's exit code. */
  download(bytes: number, into: string, rate: string): Talker {
    const url = `http://${SERVER}:8080/${bytes}`;
    return this.#talk(
      this.#client,
      ['-sS', '--max-time', '60', '--limit-rate', rate, '-o', into, url],
      'curl',
    );
  }

  async close(): Promise<void> {
    for (const talker of this.#talkers.toReversed()) {
      if (talker.isOver()) continue;
      talker.process.kill('SIGTERM');
      const late = setTimeout(() => talker.process.kill('SIGKILL'), 10_000);
      await talker.ended;
      clearTimeout(late);
    }
    endFunctions(this.folder);
    for (const close of this.#closers.splice(0).reverse()) close();
  }

  #namespace(): NetworkNamespace {
    const namespace = createNamespace();
    this.#closers.push(() => namespace.close());
    return namespace;
  }

  async #ready(talker: Talker): Promise<Talker> {
    await until('traffic is ready', () => {
      if (talker.isOver()) throw new Error(talker.stderr());
      return talker.said().find((line) => line['ready'] === true);
    });
    return talker;
  }

  #talk(namespace: NetworkNamespace, words: readonly string[], program: string = process.execPath): Talker {
    const child = inNamespace(namespace.fd, () => spawn(program, words, { stdio: 'pipe' }));
    let [out, errors, isOver] = ['', '', false];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
    });
    child.stdin.on('error', () => undefined);
    const ended = new Promise<number | null>((resolve) => {
      child.once('close', (code) => {
        isOver = true;
        resolve(code);
      });
    });
    const talker: Talker = {
      process: child,
      said: () =>
        out
          .split('\n')
          .slice(0, -1)
          .map((line) => JSON.parse(line) as Record<string, unknown>),
      stderr: () => errors,
      ended,
      isOver: () => isOver,
    };
    this.#talkers.push(talker);
    return talker;
  }

  #within<Result>({ fd }: NetworkNamespace, work: (socket: NetlinkSocket) => Result): Result {
    return inNamespace(fd, () => {
      const socket = new NetlinkSocket(NETLINK_ROUTE);
      try {
        return work(socket);
      } finally {
        socket.close();
      }
    });
  }

  /** A cable from a side to a namespace, where it ends at an address or in a bridge. */
  #plug(
    namespace: NetworkNamespace,
    port: string,
    side: string,
    address: string | null,
    bridge?: string,
  ): void {
    const link = bridge === undefined ? 'eth1' : `up-${side}`;
    this.#within(this.#home, (socket) => {
      createVeth(socket, { name: port }, { name: link, namespaceFd: namespace.fd });
      setLinkMaster(socket, findLink(socket, port).index, findLink(socket, side).index);
      setLinkUp(socket, findLink(socket, port).index, true);
    });
    this.#within(namespace, (socket) => {
      const { index } = findLink(socket, link);
      if (address !== null) addAddress(socket, index, parseIpv4Prefix(address));
      if (bridge !== undefined) setLinkMaster(socket, index, findLink(socket, bridge).index);
      setLinkUp(socket, index, true);
    });
  }
}

function makeBridge(socket: NetlinkSocket, name: string): void {
  createBridge(socket, name);
  setLinkUp(socket, findLink(socket, name).index, true);
}
