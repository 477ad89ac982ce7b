// SPDX-License-Identifier: Apache-2.0
import { isAbsolute, join } from 'node:path';

/** A container to run; paths are those of the host, but for what is said to be inside. */
export interface ContainerPlan {
  /** What a bundle's own `config.json` says, read as JSON; absent: our own words only. */
  readonly base?: unknown;
  /** Folder of the bundle that `base` came with: its paths are relative to it. */
  readonly baseFolder?: string;
  /** Folder that is the root file system; absent: as `base` says. */
  readonly rootfs?: string;
  /** Program and arguments; empty: as `base` says. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Working directory inside; default `/`, or as `base` says. */
  readonly directory?: string;
  /** Octets of a root of its own, in memory and above `rootfs`, which stays as it is. Default: `rootfs` itself. */
  readonly storageBytes?: number;
  /** Default: it cannot be written, unless `storageBytes` is given or `base` says so. */
  readonly readonly?: boolean;
  /** Numbers of user and group. Default 0, or as `base` says. */
  readonly user?: { readonly uid: number; readonly gid: number };
  /** Without `CAP_`. */
  readonly capabilities?: readonly string[];
  readonly hostname: string;
  readonly mounts: readonly ContainerMountPlan[];
}

/** A file or folder of the host, or without `source` an empty folder in memory. */
export interface ContainerMountPlan {
  /** Inside. */
  readonly target: string;
  readonly source?: string;
  readonly isWritable: boolean;
  readonly sizeBytes?: number;
}

/** What root in a container may do unless something else is said: run services and change to other users. */
const CAPABILITIES: readonly string[] = [
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'NET_BIND_SERVICE',
  'SETGID',
  'SETUID',
];
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** Of an empty folder in memory, unless said. */
const TMPFS_BYTES = 16 * 1024 * 1024;
/** What of /proc and /sys tells of the host, or changes it. */
const MASKED = [
  '/proc/acpi',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/sys/firmware',
];
const READ_ONLY = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

type Json = Record<string, unknown>;

/** Where the root of a plan is on the host. @throws Error when its bundle does not say */
export function rootOf({ rootfs, base, baseFolder }: ContainerPlan): string {
  if (rootfs !== undefined) return rootfs;
  const { path } = part(part(base), 'root');
  if (typeof path !== 'string' || path === '') throw new Error('config.json of the bundle names no root');
  return isAbsolute(path) ? path : join(baseFolder ?? '/', path);
}

/**
 * The `config.json` of a container (OCI runtime specification 1.0). Control groups and networks are those of whoever starts
 * the runtime. Of a bundle's own file everything else stays that the plan does not say, but for its hooks, which are
 * programs of the host.
 * @param root what to mount as the root file system
 * @see https://github.com/opencontainers/runtime-spec/blob/v1.0.2/config.md
 */
export function bundleConfig(plan: ContainerPlan, root: string): object {
  const base = part(plan.base);
  const process = part(base, 'process');
  const linux = part(base, 'linux');
  const { hooks: _hooks, ...kept } = base;
  const { resources: _resources, cgroupsPath: _path, ...linuxKept } = linux;
  const isBundle = plan.base !== undefined;
  const isReadonly = readonlyOf(plan, part(base, 'root')['readonly']);
  return {
    ...kept,
    ociVersion: typeof base['ociVersion'] === 'string' ? base['ociVersion'] : '1.0.2',
    process: {
      ...(isBundle ? process : { noNewPrivileges: true }),
      terminal: false,
      ...userAndCapabilities(plan, process, isBundle),
      ...(plan.command.length === 0 ? {} : { args: plan.command }),
      env: environmentOf(plan.environment, process['env']),
      cwd: plan.directory ?? process['cwd'] ?? '/',
    },
    root: { path: root, readonly: isReadonly },
    hostname: plan.hostname,
    mounts: [
      ...(Array.isArray(base['mounts']) ? base['mounts'] : systemMounts(isReadonly)),
      ...plan.mounts.map(mountOf),
    ],
    linux: {
      ...(isBundle ? linuxKept : { maskedPaths: MASKED, readonlyPaths: READ_ONLY }),
      namespaces: ['pid', 'mount', 'ipc', 'uts', 'cgroup'].map((type) => ({ type })),
    },
  };
}

/**
 * Another command for a container that runs: with the user, rights, environment and folder of its first process.
 * @param config what `bundleConfig` gave
 */
export function processOf(
  config: unknown,
  command: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): object {
  const process = part(part(config), 'process');
  return { ...process, args: command, env: environmentOf(environment, process['env']) };
}

function readonlyOf({ readonly, storageBytes }: ContainerPlan, ofBundle: unknown): boolean {
  if (storageBytes !== undefined) return false;
  return readonly ?? (typeof ofBundle === 'boolean' ? ofBundle : true);
}

function userAndCapabilities(
  { user, capabilities }: ContainerPlan,
  process: Json,
  isBundle: boolean,
): { readonly user?: object; readonly capabilities?: object } {
  const { uid, gid } = { uid: 0, gid: 0, ...part(process, 'user'), ...user };
  if (isBundle && capabilities === undefined) return user === undefined ? {} : { user: { uid, gid } };
  const names = (capabilities ?? (uid === 0 ? CAPABILITIES : [])).map((name) => `CAP_${name}`);
  return {
    user: user === undefined && isBundle ? part(process, 'user') : { uid, gid },
    capabilities: {
      bounding: names,
      effective: names,
      permitted: names,
      // Without these a program of another user than root has none of them.
      ...(uid === 0 ? {} : { inheritable: names, ambient: names }),
    },
  };
}

function environmentOf(environment: Readonly<Record<string, string>>, ofBundle: unknown): string[] {
  const all: Record<string, string> = { PATH };
  for (const entry of Array.isArray(ofBundle) ? ofBundle : []) {
    const [, name, value] = /^([^=]+)=([^]*)$/.exec(String(entry)) ?? [];
    if (name !== undefined && value !== undefined) all[name] = value;
  }
  return Object.entries({ ...all, ...environment }).map(([name, value]) => `${name}=${value}`);
}

function systemMounts(isReadonly: boolean): object[] {
  const tmpfs = (destination: string, ...options: readonly string[]): object => ({
    destination,
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['nosuid', 'nodev', ...options],
  });
  return [
    { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
    {
      destination: '/dev',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
    },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620'],
    },
    tmpfs('/dev/shm', 'noexec', 'mode=1777', 'size=65536k'),
    {
      destination: '/sys',
      type: 'sysfs',
      source: 'sysfs',
      options: ['nosuid', 'noexec', 'nodev', 'ro'],
    },
    tmpfs('/run', 'mode=755', `size=${TMPFS_BYTES}`),
    // Where the root can be written, /tmp is a part of it.
    ...(isReadonly ? [tmpfs('/tmp', 'mode=1777', `size=${TMPFS_BYTES}`)] : []),
  ];
}

function mountOf({ target, source, isWritable, sizeBytes }: ContainerMountPlan): object {
  return source === undefined
    ? {
        destination: target,
        type: 'tmpfs',
        source: 'tmpfs',
        options: ['nosuid', 'nodev', 'mode=1777', `size=${sizeBytes ?? TMPFS_BYTES}`],
      }
    : {
        destination: target,
        type: 'bind',
        source,
        options: ['bind', 'nosuid', 'nodev', isWritable ? 'rw' : 'ro'],
      };
}

/** A part of somebody's file; {} where it is not there or something else. */
function part(value: unknown, key?: string): Json {
  const found = key === undefined ? value : (value as Json)[key];
  return typeof found === 'object' && found !== null && !Array.isArray(found) ? (found as Json) : {};
}
