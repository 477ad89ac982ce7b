// SPDX-License-Identifier: Apache-2.0
import { PlatformError } from '../errors.ts';
import type { ProcessIdentity } from '../processes/stat.ts';
import type { ControlFiles } from './control-files.ts';
import { type GroupFolder, LIMITS, limitsByController } from './controllers.ts';
import type { Controller } from './hierarchy.ts';
import { KernelGroup } from './kernel-group.ts';
import type { FunctionGroup, FunctionGroups, GroupLimits } from './types.ts';

const WORDS = { cpu: 'processors', memory: 'memory', pids: 'processes' } as const;

/** Groups of the kernel's, each function's beneath one folder of ours in every hierarchy. */
export class KernelGroups implements FunctionGroups {
  readonly way: 'cgroup2' | 'cgroup1';
  readonly description: string;
  readonly second: { readonly mount: string; readonly path: string } | null;
  readonly #files: ControlFiles;
  readonly #parents: ReadonlyMap<Controller, GroupFolder>;
  readonly #missing: ReadonlyMap<Controller, string>;
  readonly #groups = new Set<FunctionGroup>();

  /**
   * @param parents our folder in the hierarchy of each controller that can be used
   * @param missing why others cannot
   * @param mount where the second version is mounted
   */
  constructor(
    files: ControlFiles,
    parents: ReadonlyMap<Controller, GroupFolder>,
    missing: ReadonlyMap<Controller, string>,
    mount: string | null,
  ) {
    this.#files = files;
    this.#parents = parents;
    this.#missing = missing;
    const folder = parents.get('cgroup2')?.folder;
    this.second =
      folder === undefined || mount === null ? null : { mount, path: folder.slice(mount.length + 1) };
    this.way = [...parents.values()].some(({ version }) => version === 1) ? 'cgroup1' : 'cgroup2';
    const lacking = [...missing].map(([name, reason]) => `no ${name}: ${reason}`);
    const folders = [...new Set([...parents.values()].map(({ folder }) => folder))];
    this.description = [folders.join(', '), ...lacking].join('; ');
  }

  refusal(limits: GroupLimits): string | null {
    const reasons = limitsByController(limits).flatMap(([name]) => {
      const reason = this.#whyNot(name);
      return reason === null ? [] : [`${WORDS[name]} (${reason})`];
    });
    if (limits.storageBytes !== undefined)
      reasons.push('storage (only that of functions of kind container can be bounded)');
    if (limits.bandwidthBps !== undefined)
      reasons.push('bandwidth (this node does not shape what functions send)');
    return reasons.length === 0 ? null : `limit not enforceable: ${reasons.join(', ')}`;
  }

  create(name: string, limits: GroupLimits): FunctionGroup {
    const refusal = this.refusal(limits);
    if (refusal !== null) throw new PlatformError('UNSUPPORTED', refusal, { call: 'limit' });
    const folders = this.#foldersOf(name);
    const group = this.#group(name, folders);
    try {
      for (const { folder } of folders.values()) this.#files.make(folder);
      for (const [controller, value] of limitsByController(limits)) {
        const at = folders.get(controller) ?? folders.get('cgroup2');
        if (at) LIMITS[controller].set(this.#files, at, value);
      }
    } catch (error) {
      group.remove();
      throw error;
    }
    this.#groups.add(group);
    return group;
  }

  adopt(name: string, { pid }: ProcessIdentity): FunctionGroup {
    const folders = this.#foldersOf(name);
    const there = [...folders].filter(([, { folder }]) => this.#files.exists(folder));
    const group = this.#group(name, new Map(there));
    if (!group.processes().includes(pid)) {
      const message = `process ${pid} is not in a group ${name} of ${this.description}`;
      throw new PlatformError('UNSUPPORTED', message, { call: 'adopt' });
    }
    this.#groups.add(group);
    return group;
  }

  async close(): Promise<void> {
    const ends = [...this.#groups].map(async (group) => {
      if ((await group.kill()) === 0) group.remove();
    });
    await Promise.allSettled(ends);
    for (const { folder } of this.#parents.values()) {
      try {
        this.#files.remove(folder);
      } catch {
        // A process that cannot be ended is in it; the next start of this agent tries again.
      }
    }
  }

  #foldersOf(name: string): Map<Controller, GroupFolder> {
    return new Map(
      [...this.#parents].map(([key, { version, folder }]) => [key, { version, folder: `${folder}/${name}` }]),
    );
  }

  #group(name: string, folders: ReadonlyMap<Controller, GroupFolder>): FunctionGroup {
    const path = folders.has('cgroup2') && this.second !== null ? `${this.second.path}/${name}` : null;
    const group: FunctionGroup = new KernelGroup(name, this.#files, folders, path, () =>
      this.#groups.delete(group),
    );
    return group;
  }

  /** Why the controller's limit cannot be set; null: it can. */
  #whyNot(controller: 'cpu' | 'memory' | 'pids'): string | null {
    const missing = this.#missing.get(controller);
    if (missing !== undefined) return missing;
    const at = this.#parents.get(controller) ?? this.#parents.get('cgroup2');
    if (at === undefined) return `this system has no ${controller} controller`;
    const file = `${at.folder}/${LIMITS[controller].file[at.version]}`;
    return this.#files.exists(file) ? null : `there is no ${file}`;
  }
}
