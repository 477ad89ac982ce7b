// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, writeSync } from 'node:fs';
import type { Hosts } from './hosts.ts';
import { bin, type Child, until } from './support.ts';

/** A session of `vnfpool user` that lines are put into one by one. */
export class UserSession {
  readonly #child: Child;
  readonly #input: number;
  #lines = 0;
  #closed = false;

  /** @param plan.fifo Path of its input, which is made */
  constructor(plan: {
    readonly hosts: Hosts;
    readonly host: string;
    readonly pool: string;
    readonly endpoints: readonly string[];
    readonly fifo: string;
  }) {
    const { status } = spawnSync('mkfifo', [plan.fifo], { stdio: 'inherit' });
    if (status !== 0) throw new Error(`no fifo ${plan.fifo}`);
    // For both, so that neither we nor the user wait for the other end to be opened.
    this.#input = openSync(plan.fifo, 'r+');
    const through = plan.endpoints.map((endpoint) => `--registrar ${endpoint}`).join(' ');
    const command = `exec ${process.execPath} ${bin} user --open ${through} --timeout 45s ${plan.pool} < ${plan.fifo}`;
    this.#child = plan.hosts.start(plan.host, ['/bin/sh', '-c', command]);
  }

  /** Waits until an element serves it; says which one, as `0x` and eight hexadecimal digits. */
  async opened(): Promise<string> {
    return await this.#told('it is served', () => /^# element (0x\w+)/m.exec(this.#child.stderr())?.[1]);
  }

  /** Sends a line and waits for its answer; says who gave it. */
  async say(): Promise<string> {
    const line = this.send();
    return await this.#told(`${line} is answered`, () => {
      const answers = this.#child.stdout().split('\n').slice(0, -1);
      return answers.find((each) => each.endsWith(` ${line}`))?.slice(0, -line.length - 1);
    });
  }

  /** Sends a line, which is returned. */
  send(): string {
    this.#lines += 1;
    const line = `line ${this.#lines}`;
    writeSync(this.#input, `${line}\n`);
    return line;
  }

  /** Waits until another element goes on with it, for the first time; says which one. */
  async failedOver(): Promise<string> {
    return await this.#told(
      'another element goes on',
      () => /^# goes on at element (0x\w+)/m.exec(this.#child.stderr())?.[1],
    );
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (!this.#child.isOver()) this.#child.process.kill('SIGTERM');
    await this.#child.ended;
    closeSync(this.#input);
  }

  async #told<T>(what: string, look: () => T): Promise<NonNullable<T>> {
    try {
      return await until(what, () => {
        const found = look();
        if (!found && this.#child.isOver()) throw new Error(`${what}: it is over`);
        return found;
      });
    } catch (error) {
      const said = `${this.#child.stdout()}${this.#child.stderr()}`;
      throw new Error(`${(error as Error).message}; the user said: ${said}`, { cause: error });
    }
  }
}
