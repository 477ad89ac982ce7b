// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, closeSync, constants } from 'node:fs';
import { inNamespace, type NetworkNamespace } from '../namespaces/namespace.ts';
import { watchExit } from './exit-watch.ts';
import { type OutputOptions, OutputRecorder } from './output.ts';
import type { OutputFile } from './output-file.ts';
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
  /** In place of `output`: the program writes there itself, and goes on when nobody is there to read. */
  readonly outputFile?: OutputFile;
  /**
   * Whether the kernel kills the program (not what it starts in turn) when our thread ends, however it ends; needs the
   * `setpriv` program, does nothing without. Default true. Start from the main thread: a worker's end counts too.
   */
  readonly diesWithUs?: boolean;
}

/** How a program ended; status and signal null without a failure: nobody can tell. */
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
  const { outputFile } = options;
  const recorder = outputFile === undefined ? new OutputRecorder(options.output) : null;
  const file = outputFile?.open() ?? null;
  const start = (): ChildProcess =>
    spawn(command[0] ?? '', command.slice(1), {
      detached: true,
      stdio: file === null ? ['ignore', 'pipe', 'pipe'] : ['ignore', file, file],
      ...(options.environment === undefined ? {} : { env: options.environment }),
      ...(options.directory === undefined ? {} : { cwd: options.directory }),
    });
  let child: ChildProcess;
  try {
    child = options.namespace === undefined ? start() : inNamespace(options.namespace.fd, start);
  } finally {
    if (file !== null) closeSync(file);
  }
  child.stdout?.on('data', (chunk: Buffer) => recorder?.take('out', chunk));
  child.stderr?.on('data', (chunk: Buffer) => recorder?.take('error', chunk));
  child.once('close', () => recorder?.close());

  // Not yet collected, so the number cannot be another's.
  const identity = child.pid === undefined ? undefined : readProcessStat(child.pid);
  const end = new EndOfProgram();
  child.once('exit', (status, signal) => end.tell({ status, signal }));
  child.once('error', (error) => {
    if (child.pid !== undefined) return;
    recorder?.close();
    end.tell({ status: null, signal: null, failure: error.message });
  });
  return running(
    identity === undefined ? undefined : { pid: identity.pid, startTicks: identity.startTicks },
    end,
    () => outputFile?.lines() ?? recorder?.lines ?? [],
    helper !== undefined,
  );
}

/** A program that somebody else started, with the file that it writes to. */
export interface AdoptedProgram extends RunningProgram {
  /** Looks after it no more: its end is not told. */
  release(): void;
}

/** Takes over a program that a former process of ours started and that may have ended meanwhile; then its end is told soon. */
export function adoptProgram(identity: ProcessIdentity, outputFile: OutputFile): AdoptedProgram {
  const end = new EndOfProgram();
  const release = watchExit(identity, (exit) => end.tell(exit));
  return { ...running(identity, end, () => outputFile.lines(), false), release };
}

/** The end of a program, for those who wait for it. */
class EndOfProgram {
  readonly exited: Promise<ProgramExit>;
  readonly #listeners: ((exit: ProgramExit) => void)[] = [];
  #exit: ProgramExit | undefined;

  constructor() {
    this.exited = new Promise((resolve) => this.listen(resolve));
  }

  get isOver(): boolean {
    return this.#exit !== undefined;
  }

  tell(exit: ProgramExit): void {
    if (this.#exit !== undefined) return;
    this.#exit = exit;
    for (const listener of this.#listeners.splice(0)) listener(exit);
  }

  listen(listener: (exit: ProgramExit) => void): void {
    if (this.#exit === undefined) this.#listeners.push(listener);
    else listener(this.#exit);
  }
}

function running(
  identity: ProcessIdentity | undefined,
  end: EndOfProgram,
  lines: () => readonly string[],
  diesWithUs: boolean,
): RunningProgram {
  const signal = (name: NodeJS.Signals): void => {
    if (identity !== undefined && mayNameGroup(identity)) sendSignal(-identity.pid, name);
  };
  return {
    identity,
    diesWithUs,
    exited: end.exited,
    onExit: (listener) => end.listen(listener),
    lines,
    signal,
    stop: async (graceMs, name = 'SIGTERM') => {
      if (identity === undefined) return end.exited;
      if (!end.isOver) {
        signal(name);
        let timer: NodeJS.Timeout | undefined;
        const grace = new Promise<void>((resolve) => {
          timer = setTimeout(resolve, graceMs);
        });
        await Promise.race([end.exited, grace]);
        clearTimeout(timer);
      }
      signal('SIGKILL');
      return end.exited;
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
