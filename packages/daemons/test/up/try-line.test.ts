// SPDX-License-Identifier: Apache-2.0
import type { DeclaredPool } from '@vnfpool/core/declared';
import { expect, test } from 'vitest';
import { tryLine } from '../../src/up/try-line.ts';

const pools = [{ name: 'web' } as DeclaredPool];
const nodes = [{ name: 'watch', witness: true as const }, { name: 'one' }];

test.each([
  ['a set that is found by itself', undefined, ''],
  ['a folder of its own', '/var/lib/edge', ' --state /var/lib/edge'],
  ['a folder that a shell would take apart', "/srv/a set's", ` --state '/srv/a set'\\''s'`],
  ['a folder from here', 'run/edge', ` --state ${process.cwd()}/run/edge`],
])('%s', (_, state, where) => {
  expect(tryLine({ pools, nodes }, state)).toBe(
    `npx vnfpool status${where}    npx vnfpool kill web#1${where}    npx vnfpool pause one${where}`,
  );
});

test('a set without pools has nothing to kill', () => {
  expect(tryLine({ pools: [], nodes: [] })).toBe('npx vnfpool status');
});
