// SPDX-License-Identifier: Apache-2.0
import type { ProcessIdentity } from '../processes/stat.ts';
import type { ControlFiles } from './control-files.ts';
import { type GroupFolder, readUsage } from './controllers.ts';
import { endAll } from './end-all.ts';
import type { Controller } from './hierarchy.ts';
import { areStopped, countWaiting, readEntry, residentBytes } from './process-table.ts';
import type { FunctionGroup, GroupStatistics } from './types.ts';

/** Joins each group named, then becomes the program: `0` is whoever writes it. */
const ENTER =
  'n=$1; shift; while [ "$n" -gt 0 ]; do echo 0 > "$1" || { echo "vnfpool: cannot join $1" >&2; exit 125; }; n=$((n-1)); shift; done; exec "$@"';

/** A function's group in every hierarchy that is used: one folder in the second version, one a controller in the first. */
export class KernelGroup implements FunctionGroup {
  readonly name: string;
  readonly path: string | null;
  readonly environment: Readonly<Record<string, string>> = {};
  readonly #files: ControlFiles;
  readonly #folders: ReadonlyMap<Controller, GroupFolder>;
  readonly #onRemove: () => void;

  constructor(
    name: string,
    files: ControlFiles,
    folders: ReadonlyMap<Controller, GroupFolder>,
    path: string | null,
    onRemove: () => void,
  ) {
    this.name = name;
    this.path = path;
    this.#files = files;
    this.#folders = folders;
    this.#onRemove = onRemove;
  }

  enter(command: readonly string[]): [string, ...string[]] {
    const files = this.#distinct().map((folder) => `${folder}/cgroup.procs`);
    return ['/bin/sh', '-c', ENTER, 'sh', String(files.length), ...files, ...command];
  }

  /** The kernel knows. */
  began(_first: ProcessIdentity): void {}

  /** Of every hierarchy: a process that was moved out of one of them is still in the others. */
  processes(): number[] {
    const found = new Set<number>();
    for (const folder of this.#distinct()) {
      if (!this.#files.exists(folder)) continue;
      for (const line of this.#files.read(`${folder}/cgroup.procs`).split('\n')) {
        if (/^[1-9]\d*$/.test(line)) found.add(Number(line));
      }
    }
    return [...found];
  }

  statistics(): GroupStatistics {
    const pids = this.processes();
    const usage = readUsage(this.#files, (controller) =>
      controller === 'io'
        ? (this.#folders.get('blkio') ?? this.#folders.get('cgroup2'))
        : (this.#folders.get(controller) ?? this.#folders.get('cgroup2')),
    );
    const entries = pids.flatMap((pid) => readEntry(pid) ?? []);
    return {
      ...usage,
      cpuMs: usage.cpuMs ?? entries.reduce((sum, { cpuMs }) => sum + cpuMs, 0),
      // Without the controller: what its processes have resident, shared pages counted for each.
      memoryBytes: usage.memoryBytes ?? pids.reduce((sum, pid) => sum + residentBytes(pid), 0),
      processes: pids.length,
      threads: entries.reduce((sum, { threads }) => sum + threads, 0),
      waiting: countWaiting(pids),
    };
  }

  heldStill(): 'frozen' | 'stopped' | null {
    const first = this.#folders.get('freezer');
    const second = this.#folders.get('cgroup2');
    const isFrozen =
      (first && this.#readOr(`${first.folder}/freezer.state`).startsWith('FROZEN')) ||
      (second && /^frozen 1$/m.test(this.#readOr(`${second.folder}/cgroup.events`)));
    if (isFrozen) return 'frozen';
    return areStopped(this.processes()) ? 'stopped' : null;
  }

  kill(): Promise<number> {
    return endAll(
      () => this.#killOnce(),
      () => this.processes().length,
    );
  }

  remove(): void {
    for (const folder of this.#distinct()) this.#files.remove(folder);
    this.#onRemove();
  }

  /**
   * `cgroup.kill` ends all of a group at once, also what starts meanwhile. Elsewhere the group is frozen, so that nothing
   * in it starts while we go through the list.
   */
  #killOnce(): void {
    const second = this.#folders.get('cgroup2');
    if (second && this.#files.exists(`${second.folder}/cgroup.kill`)) {
      this.#files.write(`${second.folder}/cgroup.kill`, '1');
      // What was moved out of this hierarchy only.
      this.#files.signal(this.processes(), 'SIGKILL');
      return;
    }
    const thaw = this.#freeze();
    try {
      this.#files.signal(this.processes(), 'SIGKILL');
    } finally {
      thaw();
    }
  }

  /** Freezes the group where that is possible; the result lets it go on: a frozen process of the first version does not die. */
  #freeze(): () => void {
    const first = this.#folders.get('freezer');
    const second = this.#folders.get('cgroup2');
    const [file, stop, go] = first
      ? [`${first.folder}/freezer.state`, 'FROZEN', 'THAWED']
      : [`${second?.folder}/cgroup.freeze`, '1', '0'];
    if (!this.#files.exists(file)) return () => undefined;
    this.#files.write(file, stop);
    return () => this.#files.write(file, go);
  }

  #readOr(file: string): string {
    return this.#files.exists(file) ? this.#files.read(file) : '';
  }

  #distinct(): string[] {
    return [...new Set([...this.#folders.values()].map(({ folder }) => folder))];
  }
}
