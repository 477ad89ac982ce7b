// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';

/** Where a run's file system comes from, when it is not simply mounted by the runtime. */
export interface OwnRoot {
  /** Folder that it begins with, and that stays as it is. */
  readonly lower: string;
  /** What it may write, octets; kept in memory. */
  readonly storageBytes: number;
}

/** Folders that a run with a root of its own needs in its bundle's folder; `root` is what it has as its root. */
export const OWN_ROOT_FOLDERS: readonly string[] = ['lower', 'scratch', 'root'];

const ANSWER_MS = 10_000;
const SAID_MAX = 400;
const HYBRID = '/sys/fs/cgroup/unified';

/** A program that makes containers, and how it is told to leave control groups to us. */
interface Program {
  readonly name: 'crun' | 'runc';
  readonly options: readonly string[];
  /** What is done before, in a mount namespace that ends with the container; '' nothing. */
  before(): string;
}

/** In the order in which they are looked for. */
const PROGRAMS: readonly Program[] = [
  {
    name: 'crun',
    options: ['--cgroup-manager', 'disabled'],
    // It does not start where both versions of control groups are mounted and the second has controllers.
    before: () => (isHybrid() ? `umount -l ${HYBRID};` : ''),
  },
  {
    name: 'runc',
    // Without groups it would make its own, outside of ours: it does without where it is not let, and this is not root's.
    options: ['--rootless', 'true'],
    before: () =>
      'for m in $(awk \'$5 ~ "^/sys/fs/cgroup" { print $5 }\' /proc/self/mountinfo); do mount -o remount,bind,ro "$m"; done;',
  },
];
/** Relative paths: a comma or colon in a path would end it. */
const OWN_ROOT =
  'cd "$1"; mount --bind "$2" lower; mount -t tmpfs -o "mode=755,size=$3" tmpfs scratch; mkdir scratch/upper scratch/work;' +
  ' mount -t overlay -o lowerdir=lower,upperdir=scratch/upper,workdir=scratch/work overlay root; shift 3;';

/** The program that makes containers (OCI runtime specification): crun, else runc. It keeps its notes in a folder of ours. */
export class OciRuntime {
  /** For people: `crun 1.8.1`. */
  readonly description: string;
  readonly #program: Program;
  readonly #notes: string;

  private constructor(program: Program, description: string, notes: string) {
    this.#program = program;
    this.description = description;
    this.#notes = notes;
  }

  /**
   * Looks for a runtime on the path.
   * @param notes folder for its notes, made where it is missing
   * @param only the one that is wanted; default: the first that there is
   * @returns the reason when there is none
   */
  static async find(notes: string, only?: 'crun' | 'runc'): Promise<OciRuntime | string> {
    const failures: string[] = [];
    for (const program of PROGRAMS) {
      if (only !== undefined && only !== program.name) continue;
      const { out, failure } = await execute([program.name, '--version']);
      if (failure !== null) {
        failures.push(`${program.name} cannot be run: ${failure}`);
        continue;
      }
      // Each understands its own notes only.
      const folder = `${notes}/${program.name}`;
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const [, number = ''] = /version (\S+)/.exec(out) ?? [];
      return new OciRuntime(program, `${program.name} ${number}`.trim(), folder);
    }
    return `${failures.join('; ')}; install one: apt install crun`;
  }

  /**
   * The command that runs a container to its end, as its parent: passes signals on, and exits as the container does, with
   * 128 and its number for a signal. The container joins the groups and the network of whoever runs this, and its root dies
   * with it.
   * @param bundle folder with `config.json`; gets `pid` and, where the runtime has something to say, `log`
   */
  runCommand(id: string, bundle: string, ownRoot?: OwnRoot): [string, ...string[]] {
    const command = [
      ...this.#command('--log', `${bundle}/log`, '--log-format', 'json'),
      'run',
      '--pid-file',
      `${bundle}/pid`,
      '--bundle',
      bundle,
      id,
    ];
    return ownRoot === undefined
      ? this.#within([], '', command)
      : this.#within([bundle, ownRoot.lower, String(ownRoot.storageBytes)], OWN_ROOT, command);
  }

  /**
   * The command that runs another one in a container that runs, and ends as it does.
   * @param process file with what `processOf` gave
   * @param pidFile gets its number
   */
  execCommand(id: string, process: string, pidFile: string): [string, ...string[]] {
    return this.#within([], '', [
      ...this.#command(),
      'exec',
      '--pid-file',
      pidFile,
      '--process',
      process,
      id,
    ]);
  }

  /** Containers that it has notes of. */
  list(): string[] {
    return readdirSync(this.#notes);
  }

  /** Ends a container, if it runs, and forgets it; one that is gone is fine. @returns what went wrong */
  async delete(id: string): Promise<string | null> {
    if (!this.list().includes(id)) return null;
    const { failure } = await execute(this.#within([], '', [...this.#command(), 'delete', '--force', id]));
    return this.list().includes(id) ? (failure ?? `${id} is still there`) : null;
  }

  /** Runs a container that ends by itself soon. @returns what went wrong */
  async try(id: string, bundle: string, ownRoot?: OwnRoot): Promise<string | null> {
    const { failure } = await execute(this.runCommand(id, bundle, ownRoot));
    if (failure === null) return null;
    return readLog(`${bundle}/log`) ?? failure;
  }

  #command(...more: readonly string[]): string[] {
    const { name, options } = this.#program;
    return [name, '--root', this.#notes, ...options, ...more];
  }

  /** The command, in a mount namespace of its own where something has to be mounted or hidden before. */
  #within(words: readonly string[], script: string, command: readonly string[]): [string, ...string[]] {
    const before = `${this.#program.before()}${script}`;
    const [first = '', ...rest] = command;
    if (before === '') return [first, ...rest];
    return [
      'unshare',
      '--mount',
      '--propagation',
      'slave',
      'sh',
      '-c',
      `set -e; ${before} exec "$@"`,
      'sh',
      ...words,
      ...command,
    ];
  }
}

/** What a runtime wrote down about a failure; null: nothing. */
export function readLog(path: string): string | null {
  try {
    const [last = ''] = readFileSync(path, 'utf8').trim().split('\n').slice(-1);
    if (last === '') return null;
    const { msg } = JSON.parse(last) as { msg?: unknown };
    return String(msg).slice(0, SAID_MAX);
  } catch {
    return null;
  }
}

/** The second version beside the first, with controllers of its own. */
function isHybrid(): boolean {
  try {
    return readFileSync(`${HYBRID}/cgroup.controllers`, 'utf8').trim() !== '';
  } catch {
    return false;
  }
}

interface Ended {
  readonly out: string;
  /** Null: it ended well. */
  readonly failure: string | null;
}

function execute([program = '', ...rest]: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(program, rest, { timeout: ANSWER_MS, killSignal: 'SIGKILL' }, (error, out, said) => {
      const words = said.trim().replaceAll(/\s+/g, ' ').slice(-SAID_MAX);
      resolve({ out, failure: error === null ? null : words === '' ? error.message : words });
    });
  });
}
