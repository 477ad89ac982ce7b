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

const RUNTIME = 'crun';
const ANSWER_MS = 10_000;
const SAID_MAX = 400;
const HYBRID = '/sys/fs/cgroup/unified';

/**
 * In a mount namespace that ends with the container: crun does not start where both versions of control groups are mounted
 * and the second has controllers, and we give it no groups to look after anyway.
 */
const HIDE_HYBRID = `umount -l ${HYBRID};`;
/** Relative paths: a comma or colon in a path would end it. */
const OWN_ROOT =
  'cd "$1"; mount --bind "$2" lower; mount -t tmpfs -o "mode=755,size=$3" tmpfs scratch; mkdir scratch/upper scratch/work;' +
  ' mount -t overlay -o lowerdir=lower,upperdir=scratch/upper,workdir=scratch/work overlay root; shift 3;';

/** The program that makes containers (OCI runtime specification). It keeps its notes in a folder of ours. */
export class OciRuntime {
  /** For people: `crun 1.8.1`. */
  readonly description: string;
  readonly #notes: string;

  private constructor(description: string, notes: string) {
    this.description = description;
    this.#notes = notes;
  }

  /**
   * Looks for a runtime on the path.
   * @param notes folder for its notes, made where it is missing
   * @returns the reason when there is none
   */
  static async find(notes: string): Promise<OciRuntime | string> {
    const version = await execute([RUNTIME, '--version']);
    if (version.failure !== null) {
      const other = await execute(['runc', '--version']);
      const instead = other.failure === null ? ' (runc would put containers into groups of its own)' : '';
      return `${RUNTIME} cannot be run: ${version.failure}${instead}; install it: apt install ${RUNTIME}`;
    }
    mkdirSync(notes, { recursive: true, mode: 0o700 });
    const [, number = ''] = /version (\S+)/.exec(version.out) ?? [];
    return new OciRuntime(`${RUNTIME} ${number}`.trim(), notes);
  }

  /**
   * The command that runs a container to its end, as its parent: passes signals on, and exits as the container does, with
   * 128 and its number for a signal. The container joins the groups and the network of whoever runs this, and its root dies
   * with it.
   * @param bundle folder with `config.json`; gets `pid` and, where the runtime has something to say, `log`
   */
  runCommand(id: string, bundle: string, ownRoot?: OwnRoot): [string, ...string[]] {
    const command = [
      ...this.#command('--log', `${bundle}/log`),
      'run',
      '--pid-file',
      `${bundle}/pid`,
      '--bundle',
      bundle,
      id,
    ];
    return ownRoot === undefined
      ? within([], '', command)
      : within([bundle, ownRoot.lower, String(ownRoot.storageBytes)], OWN_ROOT, command);
  }

  /**
   * The command that runs another one in a container that runs, and ends as it does.
   * @param process file with what `processOf` gave
   * @param pidFile gets its number
   */
  execCommand(id: string, process: string, pidFile: string): [string, ...string[]] {
    return within([], '', [...this.#command(), 'exec', '--pid-file', pidFile, '--process', process, id]);
  }

  /** Containers that it has notes of. */
  list(): string[] {
    return readdirSync(this.#notes);
  }

  /** Ends a container, if it runs, and forgets it; one that is gone is fine. @returns what went wrong */
  async delete(id: string): Promise<string | null> {
    if (!this.list().includes(id)) return null;
    const { failure } = await execute(within([], '', [...this.#command(), 'delete', '--force', id]));
    return this.list().includes(id) ? (failure ?? `${id} is still there`) : null;
  }

  /** Runs a container that ends by itself soon. @returns what went wrong */
  async try(id: string, bundle: string, ownRoot?: OwnRoot): Promise<string | null> {
    const { failure } = await execute(this.runCommand(id, bundle, ownRoot));
    if (failure === null) return null;
    return readLog(`${bundle}/log`) ?? failure;
  }

  #command(...more: readonly string[]): string[] {
    return [RUNTIME, '--root', this.#notes, '--cgroup-manager', 'disabled', ...more];
  }
}

/** What a runtime wrote down about a failure; null: nothing. */
export function readLog(path: string): string | null {
  try {
    const text = readFileSync(path, 'utf8').trim();
    // `2026-11-21T17:00:00.000000Z: open executable: …`
    const last =
      text
        .split('\n')
        .at(-1)
        ?.replace(/^\S+Z: /, '') ?? '';
    return last === '' ? null : last.slice(0, SAID_MAX);
  } catch {
    return null;
  }
}

/** The command, in a mount namespace of its own where something has to be mounted or hidden before. */
function within(words: readonly string[], script: string, command: readonly string[]): [string, ...string[]] {
  const before = `${isHybrid() ? HIDE_HYBRID : ''}${script}`;
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
