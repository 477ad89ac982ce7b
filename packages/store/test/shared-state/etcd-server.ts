// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { etcdAddressOf } from '../../src/addresses.ts';
import { EtcdLink } from '../../src/shared-state/etcd-link.ts';
import { queryOf, type ServerTls } from '../tls-files.ts';

/** Undefined: there is none. */
export const etcdProgram: string | undefined = ['/usr/bin/etcd', '/usr/local/bin/etcd'].find((path) => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
});

/** Why there is no etcd to test against; empty: there is. */
export const noEtcd = etcdProgram === undefined ? '(etcd is missing: apt-get install etcd-server)' : '';

const TRIES = 5;

/** One member, all of it in a folder of its own, at ports that the system gives. */
export class EtcdServer {
  readonly #folder = mkdtempSync(`${tmpdir()}/vnfpool-etcd-`);
  #process: ChildProcess | null = null;
  #port = 0;
  readonly #tls: ServerTls | undefined;

  /** @param tls absent: whoever comes is served in the clear */
  constructor(tls?: ServerTls) {
    this.#tls = tls;
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return this.urlFor('');
  }

  /** @param user `name:password@`, or nothing @param query what else the address says, in place of what this server asks for */
  urlFor(user: string, query?: string): string {
    if (this.#tls === undefined) return `etcd://${user}127.0.0.1:${this.#port}`;
    return `etcds://${user}127.0.0.1:${this.#port}${query ?? queryOf(this.#tls)}`;
  }

  /** Again at the port that it had. */
  async start(...settings: string[]): Promise<void> {
    for (let tries = 1; ; tries++) {
      const port = this.#port || (await freePort());
      const words = await this.#run(port, settings);
      if (words === null) {
        this.#port = port;
        return;
      }
      // Somebody else may have taken the port meanwhile.
      if (tries === TRIES) throw new Error(`etcd does not start: ${words}`);
    }
  }

  /** What it said, if it ended. */
  async #run(port: number, settings: readonly string[]): Promise<string | null> {
    const at = `${this.#tls ? 'https' : 'http'}://127.0.0.1:${port}`;
    const own = ['--name', 'one', '--data-dir', `${this.#folder}/data`, '--unsafe-no-fsync'];
    const clients = ['--listen-client-urls', at, '--advertise-client-urls', at, ...tlsWords(this.#tls)];
    // It has none.
    const peers = 'http://127.0.0.1:0';
    const cluster = ['--listen-peer-urls', peers, '--initial-advertise-peer-urls', peers];
    const words = [...own, ...clients, ...cluster, '--initial-cluster', `one=${peers}`, ...settings];
    const server = spawn(etcdProgram as string, words, {
      stdio: ['ignore', 'ignore', 'pipe'],
      cwd: this.#folder,
    });
    this.#process = server;
    const said: string[] = [];
    for await (const line of createInterface(server.stderr)) {
      if (said.push(line) > 20) said.shift();
      if (
        line.includes('ready to serve client requests') ||
        line.includes('serving insecure client requests')
      ) {
        server.stderr.resume();
        return null;
      }
    }
    return said.join('\n');
  }

  /** Removes all keys. */
  async empty(): Promise<void> {
    await this.#call('/v3/kv/deleterange', { key: 'AA==', range_end: 'AA==' });
  }

  /** From now on it answers nobody but this user. */
  async lock(name: string, password: string): Promise<void> {
    await this.#call('/v3/auth/user/add', { name, password });
    await this.#call('/v3/auth/role/add', { name: 'root' });
    await this.#call('/v3/auth/user/grant', { user: name, role: 'root' });
    await this.#call('/v3/auth/enable', {});
  }

  async #call(path: string, body: unknown): Promise<void> {
    const address = etcdAddressOf(this.url);
    if (address === null) throw new Error(`${this.url} is no address`);
    const link = new EtcdLink(address);
    try {
      await link.call(path, body);
    } finally {
      await link.close();
    }
  }

  async stop(): Promise<void> {
    const server = this.#process;
    this.#process = null;
    if (server === null || server.exitCode !== null) return;
    server.kill('SIGKILL');
    await once(server, 'exit');
  }

  async close(): Promise<void> {
    await this.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function tlsWords(tls: ServerTls | undefined): readonly string[] {
  if (tls === undefined) return [];
  const asked = tls.client === undefined ? [] : ['--client-cert-auth', '--trusted-ca-file', tls.ca];
  return ['--cert-file', tls.certificate, '--key-file', tls.key, ...asked];
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { readonly port: number };
  server.close();
  await once(server, 'close');
  return port;
}
