// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe } from 'vitest';
import { testLimits } from './limit-cases.ts';

// A kernel of our own: nobody else has its groups, all of which are of the second version.
const isOurs = readFileSync('/proc/cpuinfo', 'utf8').includes('User Mode Linux');
if (isOurs && !readFileSync('/proc/mounts', 'utf8').includes(' cgroup2 '))
  spawnSync('mount', ['-t', 'cgroup2', 'none', '/sys/fs/cgroup'], { stdio: 'inherit' });

const reason = isOurs ? '' : ' [only in a kernel of our own: npm test -- sctp]';
describe.skipIf(reason !== '')(`limits by control groups of the second version${reason}`, async () => {
  await testLimits('auto');
});
