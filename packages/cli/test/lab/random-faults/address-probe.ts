// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { until } from '../support.ts';

const PROGRAM = fileURLToPath(new URL('../../../../../bench/outage/probe.mjs', import.meta.url));

/** One datagram a millisecond, or each so many, to an address, and who answers: the probe that the outages are measured with. */
export class AddressProbe {
  readonly #child: ChildProcess;
  #isReady = false;
  #isOver = false;
  #lastAt: number | undefined;
  #longestMs = 0;
  #answers = 0;
  #highest = 0;
  readonly #unanswered = new Set<number>();
  #responder = '';

  /** `pid`: a process in the namespace to ask from. */
  constructor(pid: number, address: string, port: number, everyMs = 1) {
    const program = [PROGRAM, address, String(port), String(everyMs)];
    const command = ['-t', String(pid), '-n', '--', process.execPath, ...program];
    this.#child = spawn('nsenter', command, { stdio: ['ignore', 'pipe', 'inherit'] });
    const { stdout } = this.#child;
    if (stdout === null) throw new Error('no pipe to the probe');
    createInterface({ input: stdout }).on('line', (line) => {
      const said: unknown = JSON.parse(line);
      if (Array.isArray(said)) this.#take(said as [number, number, string][]);
      else this.#isReady = true;
    });
    this.#child.once('exit', () => {
      this.#isOver = true;
    });
  }

  /** Name of the instance that answered last. */
  get responder(): string {
    return this.#responder;
  }

  /** Answers so far. */
  get answers(): number {
    return this.#answers;
  }

  /** Requests that have no answer, but others sent after them have. */
  get unanswered(): readonly number[] {
    return [...this.#unanswered];
  }

  async ready(): Promise<void> {
    await until('the probe sends', () => {
      if (this.#isOver) throw new Error('the probe ended');
      return this.#isReady;
    });
  }

  /** The longest time between two answers since this was asked last, ms. */
  takeLongestMs(): number {
    const longestMs = this.#longestMs;
    this.#longestMs = 0;
    return longestMs;
  }

  async stop(): Promise<void> {
    if (this.#isOver) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await ended;
  }

  #take(answers: readonly [at: number, number: number, name: string][]): void {
    for (const [at, number, name] of answers) {
      // What was sent before the first answer is not asked for.
      for (let missed = this.#highest === 0 ? number : this.#highest + 1; missed < number; missed++)
        this.#unanswered.add(missed);
      this.#unanswered.delete(number);
      this.#highest = Math.max(this.#highest, number);
      if (this.#lastAt !== undefined) this.#longestMs = Math.max(this.#longestMs, at - this.#lastAt);
      this.#lastAt = at;
      this.#answers += 1;
      this.#responder = name;
    }
  }
}
