// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { LabProcessView } from '@vnfpool/core/management';
import { descendants, inNetworkNamespace, networkNamespaceOf, sendSignal } from '@vnfpool/platform/processes';

type LabProcessState = LabProcessView['state'];
export type LabProcessKind = LabProcessView['kind'];

export interface LabProcessOptions {
  readonly name: string;
  readonly kind: LabProcessKind;
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Where its log goes; appended to. */
  readonly logFile: string;
  /** Runs a function in the network namespace of the process. */
  readonly inside: <T>(body: () => T) => T;
  /** Kills what outlives it: the functions of a node agent. */
  readonly endOutliving: () => void;
  /** True when the namespace is its own, so that everything in it may be killed. */
  readonly ownNamespace: boolean;
  /** Further arguments of the first start. */
  readonly first: readonly string[];
  /** Further arguments of later ones, from what it said at the first: a port that was free then is kept. */
  readonly again: (facts: Readonly<Record<string, unknown>>) => readonly string[];
  readonly onStarted: () => void;
  readonly onUnexpectedExit: (reason: string) => void;
}

/** Of a node agent. */
const TAKE_OVER = ['--take-over'];
const RESTART_MS_MIN = 500;
const RESTART_MS_MAX = 10_000;

/**
 * One process of the set, with its descendants. It says `{"ready":true,…}` as a line on its standard output
 * when it serves. An exit that nobody asked for is followed by a restart, with a growing wait.
 */
export class LabProcess {
  readonly options: LabProcessOptions;
  #child: ChildProcess | null = null;
  #state: LabProcessState = 'stopped';
  #restartMs = RESTART_MS_MIN;
  #restart: NodeJS.Timeout | null = null;
  #token: string | null = null;
  #further: readonly string[];

  constructor(options: LabProcessOptions) {
    this.options = options;
    this.#further = options.first;
  }

  get state(): LabProcessState {
    return this.#state;
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /**
   * Starts it and resolves with what it said when it was ready. A join token goes to this
   * start only, by the environment; a restart finds what it needs in its state folder.
   *
   * @throws Error when it ends before it was ready, with where its log is
   */
  async start(token: string | null = null): Promise<Record<string, unknown>> {
    if (this.#state !== 'stopped') throw new Error(`${this.options.name} is already ${this.#state}`);
    this.#token = token;
    return await this.#spawn();
  }

  /** Another process takes the place of this one, while it runs. @throws Error as `start`; the former then goes on, if it can */
  async replace(): Promise<void> {
    if (this.#state !== 'running') throw new Error(`${this.options.name} is ${this.#state}`);
    await this.#spawn(TAKE_OVER);
  }

  pause(): void {
    const pid = this.#mustRun();
    sendSignal(pid, 'SIGSTOP');
    this.#state = 'paused';
  }

  resume(): void {
    const pid = this.pid;
    if (this.#state !== 'paused' || pid === null) throw new Error(`${this.options.name} is not paused`);
    sendSignal(pid, 'SIGCONT');
    this.#state = 'running';
  }

  /** Kills it and everything that it started, at once. */
  kill(): void {
    const pid = this.#mustRun();
    const victims = new Set([pid, ...descendants(pid)]);
    if (this.options.ownNamespace) {
      const link = networkNamespaceOf(pid);
      if (link !== null) for (const other of inNetworkNamespace(link)) victims.add(other);
    }
    this.#state = 'stopped';
    for (const victim of victims) sendSignal(victim, 'SIGKILL');
    this.options.endOutliving();
  }

  /** Asks it to end and kills what is left after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    if (this.#restart) clearTimeout(this.#restart);
    this.#restart = null;
    const child = this.#child;
    const wasPaused = this.#state === 'paused';
    this.#state = 'stopped';
    if (!child?.pid || !isRunning(child)) {
      this.options.endOutliving();
      return;
    }
    const family = descendants(child.pid);
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    if (wasPaused) sendSignal(child.pid, 'SIGCONT');
    sendSignal(child.pid, 'SIGTERM');
    const late = setTimeout(() => child.pid && sendSignal(child.pid, 'SIGKILL'), graceMs);
    await ended;
    clearTimeout(late);
    for (const pid of family) sendSignal(pid, 'SIGKILL');
    this.options.endOutliving();
  }

  #mustRun(): number {
    const pid = this.pid;
    if (this.#state === 'stopped' || pid === null) throw new Error(`${this.options.name} is not running`);
    return pid;
  }

  #spawn(more: readonly string[] = []): Promise<Record<string, unknown>> {
    const former = this.#child;
    const { command, environment, logFile, inside } = this.options;
    const [program = '', ...fixed] = command;
    const log = openSync(logFile, 'a', 0o600);
    const joining = this.#token === null ? {} : { VNFPOOL_JOIN: this.#token };
    const child = inside(() =>
      spawn(program, [...fixed, ...this.#further, ...more], {
        // The pipe on standard input is how the child learns that we are gone.
        stdio: ['pipe', 'pipe', log],
        env: { ...process.env, ...environment, ...joining, VNFPOOL_PARENT_FD: '0' },
      }),
    );
    closeSync(log);
    this.#child = child;
    this.#state = 'running';
    this.options.onStarted();
    child.stdin?.on('error', () => {});
    return new Promise((resolve, reject) => {
      let ready = false;
      const lines = createInterface({ input: child.stdout as NonNullable<typeof child.stdout> });
      lines.on('line', (line) => {
        const said = parseReady(line);
        if (!said) return;
        ready = true;
        this.#restartMs = RESTART_MS_MIN;
        this.#token = null;
        this.#further = this.options.again(said);
        resolve(said);
      });
      const failed = (reason: string): void => {
        if (this.#child !== child) return;
        this.#child = !ready && former !== null && isRunning(former) ? former : null;
        if (!ready)
          reject(new Error(`${this.options.name} ended before it was ready (${reason}); see ${logFile}`));
        if (this.#state === 'stopped' || this.#child !== null) return;
        this.#state = 'stopped';
        if (!ready && this.#token !== null) return;
        this.options.onUnexpectedExit(reason);
        this.#restartLater();
      };
      child.once('error', (error) => failed(error.message));
      child.once('exit', (code, name) => failed(name ? `killed by ${name}` : `exit code ${code}`));
    });
  }

  #restartLater(): void {
    this.#restart = setTimeout(() => {
      this.#restart = null;
      if (this.#state !== 'stopped') return;
      this.#spawn().catch(() => {});
    }, this.#restartMs);
    this.#restartMs = Math.min(this.#restartMs * 2, RESTART_MS_MAX);
  }
}

function isRunning({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null;
}

function parseReady(line: string): Record<string, unknown> | null {
  try {
    const said: unknown = JSON.parse(line);
    return typeof said === 'object' && said !== null && 'ready' in said
      ? (said as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}
