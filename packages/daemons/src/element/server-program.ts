// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process';

/** From SIGTERM to SIGKILL. */
const KILL_GRACE_MS = 5_000;

/** A server program that we started. Its output goes where ours goes: standard error. */
export class ServerProgram {
  readonly #child: ChildProcess;
  /** Settles with its exit code, or 128 + 15 and the like after a signal; 127: it could not be started. */
  readonly ended: Promise<number>;

  constructor(command: readonly string[], environment: Readonly<Record<string, string>>) {
    const [program = '', ...args] = command;
    this.#child = spawn(program, args, {
      stdio: ['ignore', 2, 2],
      env: { ...process.env, ...environment },
    });
    this.ended = new Promise((resolve) => {
      this.#child.once('error', (error) => {
        process.stderr.write(`${program}: ${error.message}\n`);
        resolve(127);
      });
      this.#child.once('exit', (code, signal) => resolve(code ?? 128 + (signal === 'SIGTERM' ? 15 : 9)));
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** SIGTERM, and SIGKILL when that is not enough; settles when it has ended. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    const kill = setTimeout(() => this.#child.kill('SIGKILL'), KILL_GRACE_MS);
    await this.ended;
    clearTimeout(kill);
  }
}
