// SPDX-License-Identifier: Apache-2.0

/** One place where groups can be made: a mounted hierarchy, and our own group in it. */
export interface Place {
  readonly version: 1 | 2;
  /** Where the hierarchy is mounted. */
  readonly mount: string;
  /** Our own group, as a path of the file system; null when it lies outside of what is mounted. */
  readonly own: string | null;
}

/** Controllers that we use. `cgroup2` stands for the second version's hierarchy itself, with or without controllers. */
export type Controller = 'cgroup2' | 'cpu' | 'cpuacct' | 'memory' | 'pids' | 'blkio' | 'freezer';

const FIRST_VERSION: readonly Controller[] = ['cpu', 'cpuacct', 'memory', 'pids', 'blkio', 'freezer'];

/**
 * Which hierarchies are mounted, by controller.
 * @param mountinfo text of /proc/self/mountinfo
 * @param membership text of /proc/self/cgroup
 * @see cgroups(7); Documentation/admin-guide/cgroup-v2.rst of the kernel
 */
export function findHierarchies(mountinfo: string, membership: string): Map<Controller, Place> {
  const groups = new Map<string, string>();
  for (const line of membership.split('\n')) {
    // hierarchy number, controllers, path: `4:memory:/a`, `0::/a` for the second version.
    const [, number, controllers = '', path = ''] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? [];
    if (number === '0' && controllers === '') groups.set('cgroup2', path);
    for (const name of controllers.split(',')) if (name !== '') groups.set(name, path);
  }
  const found = new Map<Controller, Place>();
  const add = (name: Controller, version: 1 | 2, root: string, mount: string): void => {
    const path = groups.get(name);
    // Of a hierarchy mounted twice the first place is as good as the second.
    if (path !== undefined && !found.has(name))
      found.set(name, { version, mount, own: within(mount, root, path) });
  };
  for (const line of mountinfo.split('\n')) {
    // id, parent, device, root, mount point, options, optional fields, `-`, type, source, options of the hierarchy.
    const [before = '', after = ''] = line.split(' - ');
    const [, , , root = '/', mount = ''] = before.split(' ').map(unescaped);
    const [type, , options = ''] = after.split(' ');
    if (type === 'cgroup2') add('cgroup2', 2, root, mount);
    if (type !== 'cgroup') continue;
    const controllers = new Set(options.split(','));
    for (const name of FIRST_VERSION) if (controllers.has(name)) add(name, 1, root, mount);
  }
  return found;
}

/** A group's path in the file system. In a container, `root` is the part of the hierarchy that is mounted. */
function within(mount: string, root: string, path: string): string | null {
  if (path.startsWith('/..')) return null;
  const rest =
    root === '/' ? path : path === root || path.startsWith(`${root}/`) ? path.slice(root.length) : null;
  if (rest === null) return null;
  return rest === '/' || rest === '' ? mount : `${mount}${rest}`;
}

/**
 * Whether we may make groups in our own one: it is the whole of what is mounted (a container's, or the system's
 * where nobody parts it), or a unit of systemd, which says itself what it delegates. Others made theirs for a purpose
 * that we do not know.
 */
export function isOurs({ own, mount }: Place): boolean {
  return own !== null && (own === mount || /\.(?:service|scope)(?:\/|$)/.test(own));
}

/** Blanks and the like are written as octal numbers. */
function unescaped(field: string): string {
  return field.replaceAll(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
