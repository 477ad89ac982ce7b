// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { inNamespace, type NetworkNamespace } from '../namespaces/namespace.ts';
import { type OutputOptions, OutputRecorder } from './output.ts';
import { sendSignal } from './signal.ts';
import { type ProcessIdentity, readProcessStat } from './stat.ts';

/** A program to start. */
export interface ProgramOptions {
  /** Program and arguments; the program is looked up in PATH. */
  readonly command: readonly [string, ...string[]];
  /** Its whole environment, default ours. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Default ours. */
  readonly directory?: string;
  /** Network namespace to live in, default the calling thread's. */
  readonly namespace?: NetworkNamespace;
  readonly output?: OutputOptions;
  /**
   * Whether the kernel kills the program (not what it starts in turn) when our thread ends, however it ends; needs the
   * `setpriv` program, does nothing without. Default true. Start from the main thread: a worker's end counts too.
   */
  readonly diesWithUs?: boolean;
}

/** How a program ended. */
export interface ProgramExit {
  /** Exit status, null when a signal ended it or it never ran. */
  readonly status: number | null;
  readonly signal: string | null;
  /** Why it never ran. */
  readonly failure?: string;
}

/** A running program, head of a process group of its own. */
export interface RunningProgram {
  /** Undefined when it could not be started. */
  readonly identity: ProcessIdentity | undefined;
  /** Whether the kernel ends it with us. */
  readonly diesWithUs: boolean;
  /** Resolves at once when the program exits; never rejects. */
  readonly exited: Promise<ProgramExit>;
  /** Calls back at the exit, within the event that tells of it; at once when it is over already. */
  onExit(listener: (exit: ProgramExit) => void): void;
  /** The last lines of its output. */
  lines(): readonly string[];
  /** Sends a signal to its whole process group; nothing when that is gone. */
  signal(name: NodeJS.Signals): void;
  /** Sends SIGTERM, or another signal, and SIGKILL to what is left of the group at the exit or after the grace. */
  stop(graceMs: number, name?: NodeJS.Signals): Promise<ProgramExit>;
}

/** Starts a program. One that cannot be run is told by `exited`, as a failure or with status 127. */
export function startProgram(options: ProgramOptions): RunningProgram {
  const helper = (options.diesWithUs ?? true) ? findInPath('setpriv') : undefined;
  const command =
    helper === undefined ? options.command : [helper, '--pdeathsig', 'KILL', '--', ...options.command];
  const recorder = new OutputRecorder(options.output);
  const start = (): ChildProcess =>
    spawn(command[0] ?? '', command.slice(1), {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(options.environment === undefined ? {} : { env: options.environment }),
      ...(options.directory === undefined ? {} : { cwd: options.directory }),
    });
  const child = options.namespace === undefined ? start() : inNamespace(options.namespace.fd, start);
  child.stdout?.on('data', (chunk: Buffer) => recorder.take('out', chunk));
  child.stderr?.on('data', (chunk: Buffer) => recorder.take('error', chunk));
  child.once('close', () => recorder.close());

  // Not yet collected, so the number cannot be another's.
  const identity = child.pid === undefined ? undefined : readProcessStat(child.pid);
  let exit: ProgramExit | undefined;
  const listeners: ((exit: ProgramExit) => void)[] = [];
  const end = (how: ProgramExit): void => {
    if (exit !== undefined) return;
    exit = how;
    for (const listener of listeners.splice(0)) listener(how);
  };
  child.once('exit', (status, signal) => end({ status, signal }));
  child.once('error', (error) => {
    if (child.pid !== undefined) return;
    recorder.close();
    end({ status: null, signal: null, failure: error.message });
  });
  const onExit = (listener: (exit: ProgramExit) => void): void => {
    if (exit === undefined) listeners.push(listener);
    else listener(exit);
  };
  const exited = new Promise<ProgramExit>((resolve) => onExit(resolve));

  const signal = (name: NodeJS.Signals): void => {
    if (identity !== undefined) sendSignal(-identity.pid, name);
  };
  return {
    identity: identity === undefined ? undefined : { pid: identity.pid, startTicks: identity.startTicks },
    diesWithUs: helper !== undefined,
    exited,
    onExit,
    lines: () => recorder.lines,
    signal,
    stop: async (graceMs, name = 'SIGTERM') => {
      if (identity === undefined) return exited;
      if (exit === undefined) {
        signal(name);
        let timer: NodeJS.Timeout | undefined;
        const grace = new Promise<void>((resolve) => {
          timer = setTimeout(resolve, graceMs);
        });
        await Promise.race([exited, grace]);
        clearTimeout(timer);
      }
      if (mayNameGroup(identity)) signal('SIGKILL');
      return exited;
    },
  };
}

/**
 * Whether a number is still that of the head's group: nobody else is given it while the group has a member, so only
 * another process under it shows that the group is gone.
 */
function mayNameGroup(head: ProcessIdentity): boolean {
  const stat = readProcessStat(head.pid);
  return stat === undefined || stat.startTicks === head.startTicks;
}

function findInPath(program: string): string | undefined {
  for (const directory of (process.env['PATH'] ?? '').split(':')) {
    const path = `${directory}/${program}`;
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not here.
    }
  }
  return undefined;
}
