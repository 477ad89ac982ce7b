// SPDX-License-Identifier: Apache-2.0
import { type ControlFiles, controlError } from '../../src/cgroups/index.ts';

/** Numbers above what any kernel gives, so that no test can mean a real process. */
export const PID = 9_000_000;

const SECOND: Readonly<Record<string, readonly string[]>> = {
  cpu: ['cpu.max'],
  memory: [
    'memory.max',
    'memory.swap.max',
    'memory.oom.group',
    'memory.current',
    'memory.events',
    'memory.stat',
    'memory.peak',
  ],
  pids: ['pids.max', 'pids.events'],
  io: ['io.stat'],
};
const FIRST: Readonly<Record<string, readonly string[]>> = {
  cpu: ['cpu.cfs_quota_us', 'cpu.cfs_period_us', 'cpu.stat'],
  cpuacct: ['cpuacct.usage'],
  memory: [
    'memory.limit_in_bytes',
    'memory.memsw.limit_in_bytes',
    'memory.usage_in_bytes',
    'memory.stat',
    'memory.max_usage_in_bytes',
    'memory.oom_control',
  ],
  pids: ['pids.max'],
  blkio: ['blkio.throttle.io_service_bytes'],
  freezer: ['freezer.state'],
};

interface Group {
  readonly files: Map<string, string>;
  readonly processes: Set<number>;
}

/** A root folder with the rules of the kernel, as far as groups need them, kept in memory. */
export class FakeKernel implements ControlFiles {
  readonly groups = new Map<string, Group>();
  readonly log: string[] = [];
  /** Error names of paths that refuse to be written or made. */
  readonly refused = new Map<string, string>();
  readonly #texts = new Map<string, string>();
  readonly #second: { readonly mount: string; readonly offers: readonly string[] } | null;
  readonly #killFile: boolean;

  constructor(made: {
    /** Controllers that the second version offers; null: it is not mounted. */
    readonly second: readonly string[] | null;
    /** Controllers of the first version. */
    readonly first?: readonly string[];
    /** Our own group in every hierarchy, default its root. */
    readonly own?: string;
    /** Whether the second version has `cgroup.kill` (Linux 5.14). */
    readonly killFile?: boolean;
  }) {
    const { second, first = [], own = '/' } = made;
    const mount = first.length > 0 ? '/cg/unified' : '/cg';
    this.#second = second === null ? null : { mount, offers: second };
    this.#killFile = made.killFile ?? true;
    const mounts = first.map((name, at) => `${40 + at} 31 0:40 / /cg/${name} rw - cgroup cgroup rw,${name}`);
    if (second !== null) mounts.push(`60 31 0:41 / ${mount} rw,relatime - cgroup2 cgroup2 rw`);
    this.#texts.set('/proc/self/mountinfo', `22 1 0:20 / / rw - ext4 /dev/vda rw\n${mounts.join('\n')}\n`);
    const memberships = first.map((name, at) => `${at + 1}:${name}:${own}`);
    if (second !== null) memberships.push(`0::${own}`);
    this.#texts.set('/proc/self/cgroup', `${memberships.join('\n')}\n`);
    const rest = own === '/' ? '' : own;
    for (const top of [...first.map((name) => `/cg/${name}`), ...(second === null ? [] : [mount])]) {
      this.make(top);
      if (rest !== '') this.make(`${top}${rest}`);
    }
  }

  /** The processes in a group. */
  in(folder: string): Set<number> {
    return this.#group('read', folder).processes;
  }

  set(path: string, value: string): void {
    const [folder, file] = split(path);
    this.#group('write', folder).files.set(file, value);
  }

  read(path: string): string {
    const text = this.#texts.get(path);
    if (text !== undefined) return text;
    const [folder, file] = split(path);
    const group = this.#group('read', folder);
    if (file === 'cgroup.procs') return [...group.processes].map((pid) => `${pid}\n`).join('');
    const value = group.files.get(file);
    if (value === undefined) this.#fail('read', path, 'ENOENT');
    return value;
  }

  write(path: string, value: string): void {
    this.log.push(`${path} = ${value}`);
    const refusal = this.refused.get(path);
    if (refusal !== undefined) this.#fail('write', path, refusal, value);
    const [folder, file] = split(path);
    const group = this.#group('write', folder);
    if (file !== 'cgroup.procs' && !group.files.has(file)) this.#fail('write', path, 'ENOENT', value);
    if (file === 'cgroup.procs') {
      for (const other of this.groups.values()) other.processes.delete(Number(value));
      group.processes.add(Number(value));
    } else if (file === 'cgroup.kill') group.processes.clear();
    else if (file === 'cgroup.subtree_control') {
      // No group but the root may have both processes and controllers below it.
      if (folder !== this.#second?.mount && group.processes.size > 0)
        this.#fail('write', path, 'EBUSY', value);
      group.files.set(file, `${group.files.get(file) ?? ''} ${value.slice(1)}`.trim());
    } else group.files.set(file, value);
  }

  make(folder: string): void {
    if (this.groups.has(folder)) return;
    const refusal = this.refused.get(folder);
    if (refusal !== undefined) this.#fail('mkdir', folder, refusal);
    const above = split(folder)[0];
    const isSecond =
      this.#second !== null &&
      `${folder}/`.startsWith(`${this.#second.mount}/`) &&
      !/^\/cg\/(?!unified)/.test(this.#second.mount === '/cg' ? '' : folder);
    const files = new Map<string, string>();
    if (isSecond && this.#second) {
      const isRoot = folder === this.#second.mount;
      const offered = isRoot
        ? this.#second.offers
        : (this.groups.get(above)?.files.get('cgroup.subtree_control') ?? '').split(' ').filter(Boolean);
      files.set('cgroup.controllers', offered.join(' '));
      files.set('cgroup.subtree_control', '');
      files.set('cpu.stat', 'usage_usec 0\n');
      files.set('cgroup.freeze', '0');
      if (this.#killFile && !isRoot) files.set('cgroup.kill', '');
      for (const name of isRoot ? [] : offered) for (const file of SECOND[name] ?? []) files.set(file, '');
    } else {
      const controller = folder.split('/')[2] ?? '';
      for (const file of FIRST[controller] ?? []) files.set(file, '');
    }
    this.groups.set(folder, { files, processes: new Set() });
  }

  remove(folder: string): void {
    const group = this.groups.get(folder);
    if (!group) return;
    if (group.processes.size > 0 || this.below(folder).length > 0) this.#fail('rmdir', folder, 'EBUSY');
    this.groups.delete(folder);
  }

  below(folder: string): string[] {
    this.#group('list', folder);
    return [...this.groups.keys()].filter((key) => split(key)[0] === folder).map((key) => split(key)[1]);
  }

  exists(path: string): boolean {
    const [folder, file] = split(path);
    return this.groups.has(path) || this.groups.get(folder)?.files.has(file) === true;
  }

  signal(pids: readonly number[], name: NodeJS.Signals): void {
    this.log.push(`${name} ${pids.join(' ')}`);
    for (const group of this.groups.values()) for (const pid of pids) group.processes.delete(pid);
  }

  #group(call: string, folder: string): Group {
    return this.groups.get(folder) ?? this.#fail(call, folder, 'ENOENT');
  }

  #fail(call: string, path: string, code: string, value?: string): never {
    const errno = { EACCES: -13, EBUSY: -16, ENOENT: -2, EROFS: -30, EINVAL: -22 }[code] ?? -1;
    throw controlError(call, path, { code, errno, name: code, message: code }, value);
  }
}

function split(path: string): [string, string] {
  const at = path.lastIndexOf('/');
  return [path.slice(0, at), path.slice(at + 1)];
}
