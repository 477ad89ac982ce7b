// SPDX-License-Identifier: Apache-2.0
// Programs of the operating system that we use, and how they get here.
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter } from 'node:path';

/** Whether a program is on the path (the administrator's folders included). */
export function hasProgram(name) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/bin', '/bin'];
  return folders.some((folder) => {
    try {
      accessSync(`${folder}/${name}`, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/**
 * Installs what is missing with apt when we are root, after naming it; otherwise says how to get it.
 * `wanted`: list of { program, package, why }. Returns the programs that are still missing.
 */
export function ensurePrograms(wanted) {
  const missing = wanted.filter(({ program }) => !hasProgram(program));
  if (missing.length === 0) return [];
  const names = [...new Set(missing.map((entry) => entry.package))];
  for (const entry of missing)
    console.log(`system: ${entry.program} is missing (package ${entry.package}): ${entry.why}`);
  const command = `apt-get install -y --no-install-recommends ${names.join(' ')}`;
  if (process.platform !== 'linux' || process.getuid?.() !== 0 || !hasProgram('apt-get')) {
    console.log(`system: going on without; on Debian or Ubuntu get it with: sudo ${command}`);
    return missing;
  }
  console.log(`system: installing with apt: ${names.join(', ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  spawnSync('apt-get', ['update', '-qq'], { stdio: ['ignore', 'ignore', 'inherit'], env });
  const done = spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...names], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env,
  });
  if (done.status !== 0) console.log(`system: apt-get failed (exit ${done.status}); going on without`);
  return missing.filter(({ program }) => !hasProgram(program));
}

/** What `npm start` needs for virtual addresses behind a fence in network namespaces. */
export const forNamespaces = [
  { program: 'nft', package: 'nftables', why: 'loads the rules of the fence' },
  { program: 'unshare', package: 'util-linux', why: 'enters network namespaces' },
];

/** What only tests use. */
export const forTests = [
  { program: 'ip', package: 'iproute2', why: 'labs compare the host before and after' },
  { program: 'tcpdump', package: 'tcpdump', why: 'labs look at the frames on the bridge' },
  ...forNamespaces,
  {
    program: 'conntrack',
    package: 'conntrack',
    why: 'labs empty the connection tracking of a node that comes back',
  },
  { program: 'curl', package: 'curl', why: 'labs download through a gateway' },
  { program: 'crun', package: 'crun', why: 'labs run functions in containers' },
  { program: 'etcd', package: 'etcd-server', why: 'tests share state in it' },
  { program: 'redis-server', package: 'redis-server', why: 'tests keep state in it' },
  { program: 'runc', package: 'runc', why: 'labs run them with it, too' },
  { program: 'busybox', package: 'busybox-static', why: 'labs put it into containers' },
  { program: 'chromium', package: 'chromium', why: 'browser tests of the page' },
];
