// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { managerKey, readManagerFile } from '@vnfpool/runtime/manager-discovery';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../temporary-folder.ts';

const examples = fileURLToPath(new URL('../../../../examples/manager-discovery', import.meta.url));
const MANAGERS = '192.0.2.1,[2001:db8::1]:5000 manager.example.org';
const KEYS = ['192.0.2.1:49877', '[2001:db8::1]:5000', 'manager.example.org:49877'];

function run(script: string, env: Readonly<Record<string, string>>): void {
  const { status, stderr } = spawnSync('sh', ['-c', script], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
}

/** What an agent takes from the file; null: there is none. */
function managersIn(file: string): string[] | null {
  if (!existsSync(file)) return null;
  const { addresses, faults } = readManagerFile(readFileSync(file, 'utf8'), 49_877);
  expect(faults).toEqual([]);
  return addresses.map(managerKey);
}

test('the hook of dhclient writes what a lease names, and takes it away with the lease', () => {
  const file = `${temporaryFolder()}/run/managers`;
  // Read into the client's script, which goes on after it.
  const hook = (reason: string, managers: string): void =>
    run(`set -e; . '${examples}/dhclient-hook'; [ -z "\${managers-}" ]`, {
      VNFPOOL_MANAGERS: file,
      reason,
      new_vnfpool_managers: managers,
    });
  hook('PREINIT', '');
  expect(managersIn(file)).toBeNull();
  hook('BOUND', MANAGERS);
  expect(managersIn(file)).toEqual(KEYS);
  hook('MEDIUM', '');
  expect(managersIn(file)).toEqual(KEYS);
  hook('RENEW', '192.0.2.2');
  expect(managersIn(file)).toEqual(['192.0.2.2:49877']);
  hook('EXPIRE', '');
  expect(managersIn(file)).toBeNull();
});

test('the hook of systemd-networkd writes what all leases name', () => {
  const folder = temporaryFolder();
  const file = `${folder}/run/managers`;
  const leases = `${folder}/leases`;
  mkdirSync(leases);
  const hook = (): void =>
    run(`'${examples}/networkd-hook'`, { VNFPOOL_MANAGERS: file, VNFPOOL_LEASES: leases });
  hook();
  expect(managersIn(file)).toBeNull();
  const head = '# This is private data. Do not parse.\nADDRESS=192.0.2.50\n';
  writeFileSync(`${leases}/2`, `${head}OPTION_224=${Buffer.from(MANAGERS).toString('hex')}\n`);
  writeFileSync(`${leases}/3`, head);
  writeFileSync(`${leases}/4`, `${head}OPTION_224=${Buffer.from('192.0.2.7:7').toString('hex')}\n`);
  hook();
  expect(managersIn(file)).toEqual([...KEYS, '192.0.2.7:7']);
  writeFileSync(`${leases}/2`, head);
  writeFileSync(`${leases}/4`, head);
  hook();
  expect(managersIn(file)).toBeNull();
});
