// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { specificationOf } from '../../src/planner/documents.ts';
import { pool } from './world.ts';

const netns = { interfaces: [], rules: 'table ip x { }' };

test('a pool with a network is of kind netns; without a program its command is empty', () => {
  expect(specificationOf(pool('web', 1))).toMatchObject({ kind: 'process', command: ['node', 'web.mjs'] });
  expect(specificationOf(pool('web', 1))).not.toHaveProperty('netns');
  expect(specificationOf(pool('web', 1, 0, 0, { netns }))).toMatchObject({
    kind: 'netns',
    command: ['node', 'web.mjs'],
    netns,
  });
  expect(specificationOf(pool('nat', 1, 0, 0, { netns, program: '', arguments: [] }))).toMatchObject({
    kind: 'netns',
    command: [],
    netns,
  });
});
