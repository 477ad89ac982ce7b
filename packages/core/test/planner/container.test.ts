// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { specificationOf } from '../../src/planner/documents.ts';
import { pool } from './world.ts';

const container = { rootfs: '/srv/root' };

test('a pool with a container is of this kind, also with a network of its own', () => {
  const plain = specificationOf(pool('web', 1, 0, 0, { container, directory: '' }));
  expect(plain).toMatchObject({ kind: 'container', container });
  // As the container says.
  expect(plain).not.toHaveProperty('directory');
  const netns = { interfaces: [] };
  expect(specificationOf(pool('web', 1, 0, 0, { container, netns, directory: '/data' }))).toMatchObject({
    kind: 'container',
    netns,
    directory: '/data',
  });
  expect(specificationOf(pool('web', 1, 0, 0, { container, program: '', arguments: [] })).command).toEqual(
    [],
  );
});
