// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import {
  bundleConfig,
  type ContainerPlan,
  endCommand,
  type OciRuntime,
  OWN_ROOT_FOLDERS,
  processOf,
  readLog,
  readPidFile,
  rootOf,
} from '@vnfpool/platform/containers';
import type { ProgramExit } from '@vnfpool/platform/processes';
import type { FunctionSpecification } from '@vnfpool/wire/mobility';
import type { Entered, FunctionContext } from '../function-state/index.ts';
import { ownerOf, planOf, type RunInContainer } from './container-plan.ts';

/** Where a container finds what we and it share: the socket of its state, or the folder of its hooks. */
const SHARED = '/run/vnfpool';
/** Signals' numbers on the architectures that Linux has today; of others the number is told. */
const SIGNALS: Readonly<Record<number, string>> = {
  1: 'SIGHUP',
  2: 'SIGINT',
  3: 'SIGQUIT',
  4: 'SIGILL',
  6: 'SIGABRT',
  7: 'SIGBUS',
  8: 'SIGFPE',
  9: 'SIGKILL',
  11: 'SIGSEGV',
  13: 'SIGPIPE',
  15: 'SIGTERM',
};

/** The container of one run of a function: its bundle before it starts, commands in it, and its end. */
export class FunctionContainer {
  readonly #runtime: OciRuntime;
  readonly id: string;
  readonly #bundle: string;
  #commands = 0;

  /** @param folder of all bundles */
  constructor(runtime: OciRuntime, folder: string, id: string) {
    this.#runtime = runtime;
    this.id = id;
    this.#bundle = `${folder}/${id}`;
  }

  /**
   * Writes its bundle.
   * @returns the command that is the function to whoever starts it: it passes signals on, and ends as the container does
   * @throws Error of the system, or naming what is wrong with the bundle that it starts from
   */
  prepare(run: RunInContainer): readonly string[] {
    const { specification, shared } = run;
    const plan: ContainerPlan = planOf({
      ...run,
      mounts: shared === null ? [] : [{ target: SHARED, source: shared, isWritable: true }],
    });
    const lower = rootOf(plan);
    const { storageBytes } = specification.limits ?? {};
    mkdirSync(this.#bundle, { recursive: true, mode: 0o700 });
    if (storageBytes !== undefined)
      for (const name of OWN_ROOT_FOLDERS) mkdirSync(`${this.#bundle}/${name}`, { recursive: true });
    const root = storageBytes === undefined ? lower : `${this.#bundle}/root`;
    // It may hold secrets of the environment.
    writeFileSync(`${this.#bundle}/config.json`, JSON.stringify(bundleConfig(plan, root)), { mode: 0o600 });
    return this.#runtime.runCommand(
      this.id,
      this.#bundle,
      storageBytes === undefined ? undefined : { lower, storageBytes },
    );
  }

  /** How its state is taken and given: inside, by its user. */
  context(specification: FunctionSpecification): FunctionContext {
    return {
      seenAt: SHARED,
      owner: ownerOf(specification),
      enter: (command, environment) => this.enter(command, environment),
    };
  }

  /** A command in the container, like its first process; with what is given besides in its environment. */
  enter(command: readonly string[], environment: Readonly<Record<string, string>> = {}): Entered {
    this.#commands += 1;
    const file = `${this.#bundle}/command-${process.pid}-${this.#commands}`;
    try {
      const config: unknown = JSON.parse(readFileSync(`${this.#bundle}/config.json`, 'utf8'));
      writeFileSync(file, JSON.stringify(processOf(config, command, environment)), { mode: 0o600 });
    } catch {
      // It has ended: the runtime says so, too.
    }
    return {
      command: this.#runtime.execCommand(this.id, file, `${file}.pid`),
      end: () => {
        endCommand(`${file}.pid`);
        for (const path of [file, `${file}.pid`]) rmSync(path, { force: true });
      },
    };
  }

  /** Its first process, by the number that the host knows; null: none yet. */
  get pid(): number | null {
    return readPidFile(`${this.#bundle}/pid`);
  }

  /** Its root, as the host finds it; null: it is not there. */
  get root(): string | null {
    const { pid } = this;
    return pid === null ? null : `/proc/${pid}/root`;
  }

  /** What the runtime's exit says: a signal of the container's is told as its status, and what hindered the start in its log. */
  exitOf(exit: ProgramExit): ProgramExit {
    if (this.pid === null && exit.failure === undefined) {
      const failure = readLog(`${this.#bundle}/log`);
      return failure === null ? exit : { ...exit, failure: `its container does not start: ${failure}` };
    }
    const signal = SIGNALS[(exit.status ?? 0) - 128];
    return signal === undefined ? exit : { ...exit, status: null, signal };
  }

  /** Ends what is left, and forgets it. @returns what went wrong */
  async close(): Promise<string | null> {
    const failure = await this.#runtime.delete(this.id);
    rmSync(this.#bundle, { recursive: true, force: true });
    return failure;
  }
}
