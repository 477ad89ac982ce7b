// SPDX-License-Identifier: Apache-2.0
import { defineConfig } from 'vitest/config';

const source = {
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source', 'node', 'import', 'module', 'default'] } },
};

/**
 * Suites by what they need: `unit` and `property` run anywhere; `sim` is the seeded simulation;
 * `lab` makes network namespaces (root, nftables); `browser` drives Chromium; `sctp` needs a kernel with SCTP, or
 * one whose control groups are all its own, or whose wall clock may be set, and is run inside a user-mode one.
 */
export default defineConfig({
  test: {
    coverage: { provider: 'v8', include: ['packages/*/src/**'], reporter: ['text-summary', 'json-summary'] },
    projects: [
      {
        ...source,
        test: {
          name: 'unit',
          include: ['packages/*/test/**/*.test.ts'],
          exclude: [
            '**/*.property.test.ts',
            '**/*.sim.test.ts',
            '**/*.lab.test.ts',
            '**/*.browser.test.ts',
            '**/*.sctp.test.ts',
            '**/*.cgroup2.test.ts',
          ],
        },
      },
      { ...source, test: { name: 'property', include: ['packages/*/test/**/*.property.test.ts'] } },
      {
        ...source,
        test: { name: 'sim', include: ['packages/*/test/**/*.sim.test.ts'], testTimeout: 300_000 },
      },
      {
        ...source,
        test: {
          name: 'lab',
          include: ['packages/*/test/**/*.lab.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        ...source,
        test: {
          name: 'sctp',
          include: ['packages/*/test/**/*.sctp.test.ts', 'packages/*/test/**/*.cgroup2.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        ...source,
        test: {
          name: 'browser',
          include: ['packages/*/test/**/*.browser.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
