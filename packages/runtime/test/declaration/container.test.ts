// SPDX-License-Identifier: Apache-2.0
import { encodeFunctionSpecification, parseFunctionSpecification } from '@vnfpool/wire/mobility';
import { expect, test } from 'vitest';
import { readDeclaration } from '../../src/declaration/index.ts';

const declare = (func: string, pool = '') =>
  readDeclaration(`set: s\nnodes: [a]\npools: { hss: { function: { ${func} }, ${pool} } }\n`, '/srv/s.yaml');
const faultsOf = (func: string, pool?: string) => {
  const read = declare(func, pool);
  return 'faults' in read ? read.faults.map(({ path, message }) => `${path}: ${message}`) : [];
};
const functionOf = (func: string) => {
  const read = declare(func);
  if ('faults' in read) throw new Error(JSON.stringify(read.faults));
  const [pool] = read.set.pools;
  if (pool === undefined) throw new Error('no pool');
  return pool.function;
};

test('a container: paths of the node from the place of the file, and a node would take it', () => {
  const { container, directory, limits } = functionOf(
    `program: /bin/hss, limits: { storage: 64MiB }, container: {
      rootfs: images/hss, user: "1000:100", capabilities: [NET_ADMIN], hostname: hss,
      mounts: [{ target: /etc/hss, source: conf }, { target: /cache, size: 1MiB }],
    }`,
  );
  expect(container).toEqual({
    rootfs: '/srv/images/hss',
    mounts: [
      { target: '/etc/hss', source: '/srv/conf' },
      { target: '/cache', sizeBytes: 1_048_576 },
    ],
    user: '1000:100',
    capabilities: ['NET_ADMIN'],
    hostname: 'hss',
  });
  // As the image says.
  expect(directory).toBe('');
  if (container === undefined || limits === undefined) throw new Error('no container');
  const specification = { v: 1, kind: 'container', command: ['/bin/hss'], container, limits } as const;
  expect(parseFunctionSpecification(encodeFunctionSpecification(specification)).container).toEqual(container);
});

test('a bundle may say the program; with a network of its own; a folder inside', () => {
  expect(functionOf('container: { bundle: b }')).toMatchObject({
    program: '',
    container: { bundle: '/srv/b' },
  });
  expect(functionOf('program: x, directory: /data, container: { rootfs: r }, netns: {}')).toMatchObject({
    directory: '/data',
    netns: { interfaces: [] },
  });
});

test.each<[string, string]>([
  ['program: x, container: {}', 'container: give one of rootfs and bundle'],
  ['program: x, container: { rootfs: r, bundle: b }', 'container: give one of rootfs and bundle'],
  ['container: { rootfs: r }', 'program: is missing: only a bundle may say it'],
  ['program: x, directory: data, container: { rootfs: r }', 'directory: must be an absolute path inside'],
  [
    'program: x, limits: { storage: 1MiB }, container: { rootfs: r, readonly: true }',
    'container.readonly: does not go with limits.storage',
  ],
  [
    'program: x, container: { rootfs: r, mounts: [{ target: /a }, { target: /a }] }',
    'container.mounts.1.target: /a is named twice',
  ],
  [
    'program: x, container: { rootfs: r, mounts: [{ target: / }] }',
    'mounts.0.target: must be an absolute path',
  ],
  [
    'program: x, container: { rootfs: r, mounts: [{ target: /a/../b }] }',
    'mounts.0.target: must be an absolute',
  ],
  [
    'program: x, container: { rootfs: r, mounts: [{ target: /a, source: b, size: 1MiB }] }',
    'mounts.0.size: is of folders in memory',
  ],
  [
    'program: x, container: { rootfs: r, mounts: [{ target: /a, readonly: true }] }',
    'mounts.0.readonly: makes no sense',
  ],
  [
    'program: x, limits: { storage: 1MiB }, container: { rootfs: r, mounts: [{ target: /a, source: b, readonly: false }] }',
    'mounts.0.readonly: a folder of the node would go around limits.storage',
  ],
  ['program: x, container: { rootfs: r, user: 1000 }', 'container.user: must be text: put it in quotes'],
  ['program: x, container: { rootfs: r, user: www }', 'container.user: must be a user and a group by number'],
  ['program: x, container: { rootfs: r, capabilities: [CAP_KILL] }', 'capabilities.0: must be a capability'],
  ['program: x, container: { rootfs: r, hostname: a.b }', 'container.hostname: must be a host name'],
  ['program: x, container: { rootfs: r, image: y }', 'unknown key "image"'],
])('%s: the place is told', (func, fault) => {
  const faults = faultsOf(func);
  expect(faults.join('\n')).toContain(fault);
  expect(faults).toHaveLength(1);
});
