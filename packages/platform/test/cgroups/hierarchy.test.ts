// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { findHierarchies, isOurs } from '../../src/cgroups/index.ts';

test('a system with the second version only: one place for everything', () => {
  const found = findHierarchies(
    '23 1 0:21 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n',
    '0::/system.slice/vnfpool-node.service\n',
  );
  const own = '/sys/fs/cgroup/system.slice/vnfpool-node.service';
  expect([...found]).toEqual([['cgroup2', { version: 2, mount: '/sys/fs/cgroup', own }]]);
});

test('a system with both: controllers of the first version have places of their own, two may share one', () => {
  const found = findHierarchies(
    [
      '30 23 0:26 / /sys/fs/cgroup ro - tmpfs tmpfs ro',
      '31 30 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw',
      '32 30 0:28 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct',
      '33 30 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory',
      '34 30 0:30 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd',
    ].join('\n'),
    '5:cpu,cpuacct:/\n4:memory:/a/b\n1:name=systemd:/x\n0::/\n',
  );
  expect([...found.keys()]).toEqual(['cgroup2', 'cpu', 'cpuacct', 'memory']);
  expect(found.get('cpuacct')).toEqual({
    version: 1,
    mount: '/sys/fs/cgroup/cpu,cpuacct',
    own: '/sys/fs/cgroup/cpu,cpuacct',
  });
  expect(found.get('memory')?.own).toBe('/sys/fs/cgroup/memory/a/b');
});

test('a container sees a part of the hierarchy: paths are taken from there', () => {
  const read = (membership: string) =>
    findHierarchies(
      '40 30 0:29 /docker/1 /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n',
      membership,
    ).get('memory');
  expect(read('4:memory:/docker/1\n')?.own).toBe('/sys/fs/cgroup/memory');
  expect(read('4:memory:/docker/1/x\n')?.own).toBe('/sys/fs/cgroup/memory/x');
  expect(read('4:memory:/docker/12\n')?.own).toBeNull();
  expect(read('4:memory:/../y\n')?.own).toBeNull();
});

test('a mount point with a blank is written with an octal number', () => {
  const found = findHierarchies('23 1 0:21 / /a\\040b rw - cgroup2 cgroup2 rw\n', '0::/\n');
  expect(found.get('cgroup2')?.mount).toBe('/a b');
});

test('where nothing is mounted nothing is found', () => {
  expect(findHierarchies('22 1 0:20 / / rw - ext4 /dev/vda rw\n', '')).toEqual(new Map());
});

test('ours are the root of what is mounted and units of systemd; of another maker it is not', () => {
  const at = (own: string | null) => isOurs({ version: 1, mount: '/cg', own });
  expect(at('/cg')).toBe(true);
  expect(at('/cg/system.slice/vnfpool.service')).toBe(true);
  expect(at('/cg/user.slice/session-3.scope/agent')).toBe(true);
  expect(at('/cg/somebody/4711')).toBe(false);
  expect(at(null)).toBe(false);
});
