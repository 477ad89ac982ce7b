// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { ValkeyLink } from '../../src/valkey/link.ts';
import { freePort } from '../shared-state/etcd-server.ts';
import { queryOf, type ServerTls } from '../tls-files.ts';

/** Undefined: there is none. */
export const redisProgram: string | undefined = ['valkey-server', 'redis-server']
  .flatMap((program) => ['/usr/bin', '/usr/local/bin'].map((folder) => `${folder}/${program}`))
  .find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });

/** Why there is no store to test against; empty: there is. */
export const noServer =
  redisProgram === undefined ? '(redis-server is missing: apt-get install redis-server)' : '';

const TRIES = 5;

/** A store of its own on a local socket, and over TLS where it gets certificates, without anything on disk. */
export class RedisServer {
  readonly #folder = mkdtempSync(`${tmpdir()}/vnfpool-redis-`);
  #process: ChildProcess | null = null;
  readonly #tls: ServerTls | undefined;
  #port = 0;

  constructor(tls?: ServerTls) {
    this.#tls = tls;
  }

  get url(): string {
    return `redis+unix://${this.#folder}/s`;
  }

  get tlsPort(): number {
    return this.#port;
  }

  /** Over TLS. @param query what else the address says, in place of what this server asks for */
  tlsUrl(database: number, user = '', query = queryOf(this.#tls as ServerTls)): string {
    return `rediss://${user}127.0.0.1:${this.#port}/${database}${query}`;
  }

  /** Again at the port that it had. */
  async start(...settings: string[]): Promise<void> {
    for (let tries = 1; ; tries++) {
      const port = this.#tls === undefined ? 0 : this.#port || (await freePort());
      if (await this.#run(port, settings)) {
        this.#port = port;
        return;
      }
      // Somebody else may have taken the port meanwhile.
      if (tries === TRIES) throw new Error('the store does not start');
    }
  }

  /** Whether it serves. */
  async #run(port: number, settings: readonly string[]): Promise<boolean> {
    const own = ['--port', '0', '--unixsocket', `${this.#folder}/s`, '--save', '', '--dir', this.#folder];
    const words = [...own, ...tlsWords(this.#tls, port), ...settings];
    const server = spawn(redisProgram as string, words, { stdio: ['ignore', 'pipe', 'ignore'] });
    this.#process = server;
    for await (const chunk of server.stdout)
      if (String(chunk).includes('ready to accept')) {
        server.stdout.resume();
        return true;
      }
    return false;
  }

  /** Without an answer that matters. */
  async command(database: number, ...words: string[]): Promise<void> {
    const link = new ValkeyLink(new URL(`${this.url}?db=${database}`), {
      faultOf: (_, said) => new Error(said),
    });
    await link.call(...words);
    await link.close();
  }

  async stop(): Promise<void> {
    const server = this.#process;
    this.#process = null;
    if (server === null) return;
    server.kill('SIGKILL');
    await once(server, 'exit');
  }

  async close(): Promise<void> {
    await this.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function tlsWords(tls: ServerTls | undefined, port: number): readonly string[] {
  if (tls === undefined) return [];
  const { ca, certificate, key, client } = tls;
  const files = ['--tls-cert-file', certificate, '--tls-key-file', key, '--tls-ca-cert-file', ca];
  return ['--tls-port', String(port), ...files, '--tls-auth-clients', client === undefined ? 'no' : 'yes'];
}
