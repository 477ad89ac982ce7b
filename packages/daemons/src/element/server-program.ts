// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';

/** From SIGTERM to SIGKILL. */
const KILL_GRACE_MS = 5_000;
/** What shells say of a command that cannot be started. */
const NOT_STARTED = 127;

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
    // It does not outlive us, however we end (but for SIGKILL).
    const onExit = (): void => void this.#child.kill('SIGKILL');
    process.on('exit', onExit);
    const ended = new Promise<number>((resolve) => {
      this.#child.once('error', (error: NodeJS.ErrnoException) => {
        const why = error.code === 'ENOENT' ? 'there is no such program' : error.message;
        process.stderr.write(`vnfpool element: ${program} could not be started: ${why}\n`);
        resolve(NOT_STARTED);
      });
      this.#child.once('exit', (code, signal) =>
        resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])),
      );
    });
    this.ended = ended.finally(() => process.off('exit', onExit));
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
