// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a benchmark started and must not leave behind; taken away last first. */
export class Cleanup {
  #steps = [];

  add(step) {
    this.#steps.push(step);
  }

  /** A folder of its own that goes away at the end. */
  folder() {
    const path = mkdtempSync(join(tmpdir(), 'vnfpool-bench-'));
    this.add(() => rmSync(path, { recursive: true, force: true }));
    return path;
  }

  /** A child process that is killed at the end when it still runs. */
  spawn(command, options = {}) {
    const [program, ...rest] = command;
    const child = spawn(program, rest, options);
    this.add(() => endChild(child));
    return child;
  }

  /** Does a part of the work with a cleanup of its own, which is over with it; and with this one, if that ends before. */
  async part(work) {
    const own = new Cleanup();
    const step = () => own.run();
    this.#steps.push(step);
    try {
      return await work(own);
    } finally {
      const at = this.#steps.indexOf(step);
      if (at >= 0) this.#steps.splice(at, 1);
      await own.run();
    }
  }

  async run() {
    for (let step = this.#steps.pop(); step; step = this.#steps.pop()) {
      try {
        await step();
      } catch (error) {
        process.stderr.write(`cleaning up: ${error.message}\n`);
      }
    }
  }
}

/** Kills a child and resolves when it is gone. */
export function endChild(child, signal = 'SIGKILL') {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null)
    return Promise.resolve();
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  return gone;
}
