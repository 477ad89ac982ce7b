// SPDX-License-Identifier: Apache-2.0
import { bundleConfig, type ContainerPlan, processOf, rootOf } from '@vnfpool/platform/containers';
import { expect, test } from 'vitest';

const plan: ContainerPlan = {
  rootfs: '/srv/root',
  command: ['/bin/a', 'b'],
  environment: { A: '1', PATH: '/bin' },
  hostname: 'a-1',
  mounts: [],
};
interface Config {
  readonly process: {
    readonly args: string[];
    readonly env: string[];
    readonly cwd: string;
    readonly terminal: boolean;
    readonly noNewPrivileges?: boolean;
    readonly user: { readonly uid: number; readonly gid: number };
    readonly capabilities: Readonly<Record<string, string[]>>;
  };
  readonly root: { readonly path: string; readonly readonly: boolean };
  readonly mounts: { readonly destination: string; readonly type: string; readonly options?: string[] }[];
  readonly linux: {
    readonly namespaces: { readonly type: string }[];
    readonly cgroupsPath?: string;
    readonly resources?: object;
    readonly seccomp?: object;
  };
  readonly hooks?: object;
}
const config = (more: Partial<ContainerPlan> = {}) => bundleConfig({ ...plan, ...more }, '/r') as Config;
const mountAt = (from: Config, path: string) => from.mounts.find(({ destination }) => destination === path);

test('groups and network are those of whoever starts it; everything else is its own', () => {
  const { linux, process, root, mounts } = config();
  expect(linux.namespaces.map(({ type }) => type)).toEqual(['pid', 'mount', 'ipc', 'uts', 'cgroup']);
  expect(linux).not.toHaveProperty('cgroupsPath');
  expect(process).toMatchObject({ args: ['/bin/a', 'b'], cwd: '/', terminal: false, noNewPrivileges: true });
  expect(process.env).toEqual(['PATH=/bin', 'A=1']);
  expect(root).toEqual({ path: '/r', readonly: true });
  expect(mounts.map(({ destination }) => destination)).toEqual([
    '/proc',
    '/dev',
    '/dev/pts',
    '/dev/shm',
    '/sys',
    '/run',
    '/tmp',
  ]);
});

test('a root that can be written has no folder in memory for what is thrown away', () => {
  expect(config({ readonly: false }).root.readonly).toBe(false);
  expect(mountAt(config({ readonly: false }), '/tmp')).toBeUndefined();
  expect(config({ storageBytes: 4_096 }).root.readonly).toBe(false);
});

test('root has few rights, others none, unless they are named', () => {
  const rootUser = config().process.capabilities;
  expect(rootUser['effective']).toContain('CAP_NET_BIND_SERVICE');
  expect(rootUser['bounding']).not.toContain('CAP_SYS_ADMIN');
  expect(rootUser).not.toHaveProperty('ambient');
  const user = { uid: 9, gid: 8 };
  expect(config({ user }).process).toMatchObject({ user, capabilities: { effective: [], ambient: [] } });
  expect(config({ user, capabilities: ['NET_RAW'] }).process.capabilities).toEqual({
    bounding: ['CAP_NET_RAW'],
    effective: ['CAP_NET_RAW'],
    permitted: ['CAP_NET_RAW'],
    inheritable: ['CAP_NET_RAW'],
    ambient: ['CAP_NET_RAW'],
  });
});

test('mounts come last, each with what may be done there', () => {
  const given = config({
    mounts: [
      { target: '/a', source: '/host', isWritable: false },
      { target: '/b', source: '/host', isWritable: true },
      { target: '/c', isWritable: true, sizeBytes: 4_096 },
    ],
  });
  expect(mountAt(given, '/a')).toMatchObject({ type: 'bind', options: ['bind', 'nosuid', 'nodev', 'ro'] });
  expect(mountAt(given, '/b')?.options).toContain('rw');
  expect(mountAt(given, '/c')).toMatchObject({ type: 'tmpfs' });
  expect(mountAt(given, '/c')?.options).toContain('size=4096');
  expect(given.mounts.at(-1)?.destination).toBe('/c');
});

const base = {
  ociVersion: '1.1.0',
  process: {
    terminal: true,
    user: { uid: 5, gid: 6 },
    args: ['/bin/own'],
    env: ['PATH=/own', 'B=2', 'C=a=b'],
    cwd: '/own',
    capabilities: { bounding: ['CAP_KILL'] },
    rlimits: [],
  },
  root: { path: 'fs', readonly: false },
  mounts: [{ destination: '/proc', type: 'proc' }],
  hooks: { prestart: [{ path: '/bin/sh' }] },
  linux: { namespaces: [{ type: 'network' }], cgroupsPath: '/x', resources: {}, seccomp: { a: 1 } },
};

test('of a bundle stays what is not said, but for its groups, network, terminal and hooks', () => {
  const { rootfs: _rootfs, ...rest } = plan;
  const bundled: ContainerPlan = { ...rest, base, baseFolder: '/srv/bundle', command: [] };
  expect(rootOf(bundled)).toBe('/srv/bundle/fs');
  expect(rootOf({ ...bundled, base: { root: { path: '/abs' } } })).toBe('/abs');
  expect(() => rootOf({ ...bundled, base: {} })).toThrow('names no root');
  const given = bundleConfig(bundled, '/r') as Config;
  expect(given.process).toEqual({
    ...base.process,
    terminal: false,
    env: ['PATH=/bin', 'B=2', 'C=a=b', 'A=1'],
  });
  expect(given).not.toHaveProperty('hooks');
  expect(given.linux).toEqual({ namespaces: config().linux.namespaces, seccomp: { a: 1 } });
  expect(given.root).toEqual({ path: '/r', readonly: false });
  expect(given.mounts).toEqual(base.mounts);
  const changed = bundleConfig(
    { ...bundled, user: { uid: 1, gid: 1 }, command: ['x'], directory: '/d' },
    '/r',
  );
  expect((changed as Config).process).toMatchObject({ user: { uid: 1, gid: 1 }, args: ['x'], cwd: '/d' });
  expect((changed as Config).process.capabilities).toEqual(base.process.capabilities);
});

test.each([[null], ['text'], [[]], [{ process: 5, linux: [], mounts: 'x', root: null }]])(
  'a file that is no bundle (%j) breaks nothing here: the runtime judges it',
  (wrong) => {
    expect(config({ base: wrong })).toMatchObject({ process: { args: ['/bin/a', 'b'] } });
  },
);

test('another command is as its first process, with more in its environment', () => {
  const first = config({ user: { uid: 9, gid: 9 }, directory: '/d' });
  const second = processOf(first, ['/bin/hook'], { A: '2', D: '4' });
  expect(second).toEqual({ ...first.process, args: ['/bin/hook'], env: ['PATH=/bin', 'A=2', 'D=4'] });
});
