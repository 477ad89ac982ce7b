// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { ValkeyLink } from '../../src/valkey/link.ts';

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

/** A store of its own on a local socket, without anything on disk. */
export class RedisServer {
  readonly #folder = mkdtempSync(`${tmpdir()}/vnfpool-redis-`);
  #process: ChildProcess | null = null;

  get url(): string {
    return `redis+unix://${this.#folder}/s`;
  }

  async start(...settings: string[]): Promise<void> {
    const own = ['--port', '0', '--unixsocket', `${this.#folder}/s`, '--save', '', '--dir', this.#folder];
    const server = spawn(redisProgram as string, [...own, ...settings], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    this.#process = server;
    for await (const chunk of server.stdout) if (String(chunk).includes('ready to accept')) break;
    server.stdout.resume();
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
