// SPDX-License-Identifier: Apache-2.0
import { encodeUtf8 } from '@vnfpool/wire/bytes';
import {
  encodeFunctionSpecification,
  type FunctionSpecification,
  MobilityError,
  parseFunctionSpecification,
} from '@vnfpool/wire/mobility';
import { expect, test } from 'vitest';

const read = (more: object): FunctionSpecification =>
  parseFunctionSpecification(
    encodeUtf8(JSON.stringify({ v: 1, kind: 'container', command: ['/bin/a'], ...more })),
  );
const contained = (more: object) => read({ container: { rootfs: '/srv/root', ...more } });

test('a container comes back as it was sent', () => {
  const specification: FunctionSpecification = {
    v: 1,
    kind: 'container',
    command: [],
    limits: { storageBytes: 1_048_576 },
    netns: { interfaces: [{ name: 'eth0', addresses: ['2001:db8::2/64'], bridge: 'br0' }] },
    container: {
      bundle: '/srv/bundle',
      mounts: [
        { target: '/etc/hss', source: '/srv/hss', readonly: false },
        { target: '/cache', sizeBytes: 65_536 },
      ],
      readonly: false,
      user: '1000:100',
      hostname: 'hss-1',
      capabilities: ['NET_ADMIN', 'NET_RAW'],
    },
  };
  expect(parseFunctionSpecification(encodeFunctionSpecification(specification))).toEqual(specification);
});

const AT = 'specification.container';
test.each<[string, object, string]>([
  ['a relative root', { rootfs: 'srv' }, '.rootfs'],
  ['a root with a way out', { rootfs: '/srv/../etc' }, '.rootfs'],
  ['root and bundle', { bundle: '/srv/b' }, ''],
  ['neither', { rootfs: undefined }, ''],
  ['a mount on the root', { mounts: [{ target: '//' }] }, '.mounts[0].target'],
  ['a mount twice', { mounts: [{ target: '/a' }, { target: '/a' }] }, '.mounts[1].target'],
  [
    'a size of what the node has',
    { mounts: [{ target: '/a', source: '/b', sizeBytes: 4_096 }] },
    '.mounts[0].sizeBytes',
  ],
  ['an empty folder for reading', { mounts: [{ target: '/a', readonly: true }] }, '.mounts[0].readonly'],
  ['too many mounts', { mounts: Array.from({ length: 33 }, (_, i) => ({ target: `/${i}` })) }, '.mounts'],
  ['a user by name', { user: 'www-data' }, '.user'],
  ['a user that is none', { user: '4294967295' }, '.user'],
  ['a capability with its prefix', { capabilities: ['CAP_NET_ADMIN'] }, '.capabilities[0]'],
  [
    'more capabilities than there are',
    { capabilities: Array.from({ length: 42 }, () => 'KILL') },
    '.capabilities',
  ],
  ['a host name with a dot', { hostname: 'a.b' }, '.hostname'],
])('%s: the place is told', (_what, more, place) => {
  expect(() => contained(more)).toThrow(`${AT}${place} `);
});

test.each<[string, object, string]>([
  ['a container without one', {}, 'specification.container is missing'],
  [
    'a container of a process',
    { kind: 'process', container: { rootfs: '/' } },
    'specification.container belongs',
  ],
  [
    'no program but in a bundle',
    { command: [], container: { rootfs: '/' } },
    'specification.command must name',
  ],
  [
    'a bound on what cannot be written',
    { limits: { storageBytes: 1 }, container: { rootfs: '/', readonly: true } },
    'specification.container.readonly does not go',
  ],
])('%s is refused with error 6', (_what, more, message) => {
  let thrown: unknown;
  try {
    read(more);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toMatchObject({
    errorNumber: MobilityError.specificationRefused,
    message: expect.stringContaining(message),
  });
});
