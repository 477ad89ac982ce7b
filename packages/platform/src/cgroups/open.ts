// SPDX-License-Identifier: Apache-2.0
import { PlatformError } from '../errors.ts';
import { type ControlFiles, systemControlFiles } from './control-files.ts';
import type { GroupFolder } from './controllers.ts';
import { type Controller, findHierarchies, isOurs, type Place } from './hierarchy.ts';
import { KernelGroup } from './kernel-group.ts';
import { KernelGroups } from './kernel-groups.ts';
import { endMarked, ProcessGroups } from './process-groups.ts';
import type { FunctionGroups } from './types.ts';

export interface OpenOptions {
  /** Tells the groups of this agent from those of others on this machine; kept over restarts. Letters, digits, `-` and `.`. */
  readonly label: string;
  /**
   * `auto`: beneath our own group wherever that is ours to part (see `isOurs`). A path: beneath this group of
   * every hierarchy, made where it is missing. `none`: no groups of the kernel's.
   */
  readonly where: string;
  /** Groups that are to be adopted; others with our label are ended. */
  readonly keep?: ReadonlySet<string>;
  readonly files?: ControlFiles;
  /** Folder of our own process's files, default /proc/self. */
  readonly proc?: string;
}

/** Controllers of the second version that we use, where the kernel offers them. */
const SECOND_VERSION = ['cpu', 'memory', 'pids', 'io'] as const;

/**
 * Finds where functions can have groups: cgroups of the second version, else of the first, else /proc. What an agent
 * with the same label has left behind is ended and removed, but for what is to be kept. Never throws: what is not possible is in the description.
 */
export async function openFunctionGroups(options: OpenOptions): Promise<FunctionGroups> {
  const { label, keep = new Set<string>() } = options;
  const groups = await open(options, keep);
  // Also where the kernel has groups now: it may not have had them, or we may not have been let.
  await endMarked(label, keep);
  return groups;
}

async function open(options: OpenOptions, keep: ReadonlySet<string>): Promise<FunctionGroups> {
  const { label, where, files = systemControlFiles, proc = '/proc/self' } = options;
  if (where === 'none') return new ProcessGroups(label, 'groups are switched off');
  let hierarchies: ReturnType<typeof findHierarchies>;
  try {
    hierarchies = findHierarchies(files.read(`${proc}/mountinfo`), files.read(`${proc}/cgroup`));
  } catch (error) {
    return new ProcessGroups(label, (error as Error).message);
  }
  const parents = new Map<Controller, GroupFolder>();
  const missing = new Map<Controller, string>();
  const name = `vnfpool.${label}`;
  /** A controller is in one hierarchy only: what the first version has, the second need not offer. */
  const lack = (reasons: ReadonlyMap<Controller, string>): void => {
    for (const [key, reason] of reasons)
      if (!hierarchies.has(key) && !missing.has(key)) missing.set(key, reason);
  };
  for (const [controller, place] of hierarchies) {
    try {
      const above = parentOf(place, where);
      if (controller === 'cgroup2') lack(enable(files, above, label));
      const folder = `${above}/${name}`;
      files.make(folder);
      if (controller === 'cgroup2') lack(enableIn(files, folder, SECOND_VERSION));
      parents.set(controller, { version: place.version, folder });
    } catch (error) {
      missing.set(controller, (error as Error).message);
    }
  }
  if (parents.size === 0) {
    const reasons = [...new Set(missing.values())].join('; ');
    return new ProcessGroups(label, reasons === '' ? 'no control groups are mounted' : reasons);
  }
  await removeLeftovers(files, parents, keep);
  return new KernelGroups(files, parents, missing, hierarchies.get('cgroup2')?.mount ?? null);
}

/** The group beneath which ours is made. */
function parentOf(place: Place, where: string): string {
  if (where !== 'auto') return `${place.mount}/${where.replaceAll(/^\/+|\/+$/g, '')}`.replace(/\/$/, '');
  if (place.own === null) {
    throw new PlatformError('UNSUPPORTED', `our own group lies outside of ${place.mount}`, {
      call: 'cgroup',
    });
  }
  if (!isOurs(place)) {
    throw new PlatformError(
      'UNSUPPORTED',
      `${place.own} is the group of whoever started this agent; name one to use with --cgroup`,
      { call: 'cgroup' },
    );
  }
  return place.own;
}

/**
 * Lets groups below `above` have controllers. A group of the second version that has processes cannot, so where it is our own
 * we go into a group of our own below it first; with other processes there it stays impossible.
 */
function enable(files: ControlFiles, above: string, label: string): Map<Controller, string> {
  files.make(above);
  const failed = enableIn(files, above, SECOND_VERSION);
  const isBusy = [...failed.values()].some((reason) => reason.includes('(EBUSY)'));
  if (!isBusy) return failed;
  const own = `${above}/vnfpool-agent.${label}`;
  files.make(own);
  files.write(`${own}/cgroup.procs`, String(process.pid));
  return enableIn(files, above, SECOND_VERSION);
}

/** Enables each controller by itself: one that fails must not take the others with it. */
function enableIn(
  files: ControlFiles,
  folder: string,
  wanted: readonly (typeof SECOND_VERSION)[number][],
): Map<Controller, string> {
  const failed = new Map<Controller, string>();
  const words = (file: string): Set<string> => new Set(files.read(`${folder}/${file}`).split(/\s+/));
  const available = words('cgroup.controllers');
  const enabled = words('cgroup.subtree_control');
  for (const name of wanted) {
    const key = name === 'io' ? 'blkio' : name;
    if (enabled.has(name)) continue;
    try {
      if (!available.has(name)) {
        throw new PlatformError('UNSUPPORTED', `${folder}/cgroup.controllers does not offer ${name}`, {
          call: 'cgroup',
        });
      }
      files.write(`${folder}/cgroup.subtree_control`, `+${name}`);
    } catch (error) {
      failed.set(key, (error as Error).message);
    }
  }
  return failed;
}

/** Functions of an agent that was killed and which nobody knows: nobody counts or ends them but us. */
async function removeLeftovers(
  files: ControlFiles,
  parents: ReadonlyMap<Controller, GroupFolder>,
  keep: ReadonlySet<string>,
): Promise<void> {
  const names = new Set([...parents.values()].flatMap(({ folder }) => files.below(folder)));
  for (const name of names) {
    if (keep.has(name)) continue;
    const folders = [...parents].flatMap(([key, { version, folder }]): [Controller, GroupFolder][] =>
      files.exists(`${folder}/${name}`) ? [[key, { version, folder: `${folder}/${name}` }]] : [],
    );
    const group = new KernelGroup(name, files, new Map(folders), null, () => undefined);
    try {
      if ((await group.kill()) === 0) group.remove();
    } catch {
      // It stays, bounded as it was; a later start tries again.
    }
  }
}
