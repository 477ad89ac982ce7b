// SPDX-License-Identifier: Apache-2.0
import { rmSync, writeFileSync } from 'node:fs';
import {
  type DnsQueries,
  dnsManagers,
  fileManagers,
  fixedManagers,
  MANAGER_FILE_BYTES_MAX,
  managerKey,
  readManagerFile,
  type SrvRecord,
} from '@vnfpool/runtime/manager-discovery';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../temporary-folder.ts';

const { signal } = new AbortController();
const hosts: Readonly<Record<string, readonly string[]>> = {
  'm1.example.org': ['192.0.2.1', '2001:db8::1'],
  'm2.example.org': ['192.0.2.2'],
};
const resolve = async (host: string): Promise<readonly string[]> => {
  const known = hosts[host];
  if (known === undefined) throw new Error('no such name');
  return known;
};
const queriesWith = (records: readonly SrvRecord[], asked: string[] = []): DnsQueries => ({
  srv: async (name) => {
    asked.push(name);
    return records;
  },
  addresses: resolve,
});
const record = (name: string, priority: number, port = 5_000): SrvRecord => ({
  name,
  port,
  priority,
  weight: 0,
});

test('a file has a manager a line; other lines are told by their number', () => {
  const text = '# by DHCP\n192.0.2.1\n\n  [2001:db8::1]:5000  # second\nwhat is this\nm.example.org:7\r\n';
  const { addresses, faults } = readManagerFile(text, 49_877);
  expect(addresses.map(managerKey)).toEqual(['192.0.2.1:49877', '[2001:db8::1]:5000', 'm.example.org:7']);
  expect(faults).toEqual(['line 5: "what is this" is no HOST:PORT']);
});

test('a file of too many managers is cut, and says so', () => {
  const text = Array.from({ length: 40 }, (_each, index) => `192.0.2.${index}`).join('\n');
  const { addresses, faults } = readManagerFile(text, 1);
  expect(addresses).toHaveLength(16);
  expect(faults).toEqual(['line 17 and what follows: no more than 16 managers']);
});

test('a file is read anew at each attempt; missing or too long, it fails with the reason', async () => {
  const path = `${temporaryFolder()}/managers`;
  const source = fileManagers(path, 49_877, resolve);
  await expect(source.find(signal)).rejects.toThrow('ENOENT');
  writeFileSync(path, '192.0.2.9\n');
  expect((await source.find(signal)).addresses.map(managerKey)).toEqual(['192.0.2.9:49877']);
  writeFileSync(path, 'm2.example.org:1\nm9.example.org\n');
  const { addresses, faults } = await source.find(signal);
  expect(addresses.map(managerKey)).toEqual(['192.0.2.2:1']);
  expect(faults).toEqual(['m9.example.org: no such name']);
  writeFileSync(path, '#'.repeat(MANAGER_FILE_BYTES_MAX + 1));
  await expect(source.find(signal)).rejects.toThrow('more than 16384 octets');
  rmSync(path);
  await expect(source.find(signal)).rejects.toThrow('ENOENT');
});

test('SRV records become addresses in their order; a target without address is told, and the others serve', async () => {
  const asked: string[] = [];
  const queries = queriesWith(
    [record('m2.example.org', 20), record('gone.example.org', 5), record('m1.example.org', 10, 6_000)],
    asked,
  );
  const found = await dnsManagers({ domain: 'example.org', queries, fraction: () => 0 }).find(signal);
  expect(asked).toEqual(['_svcmob._tcp.example.org']);
  expect(found.addresses.map(managerKey)).toEqual(['192.0.2.1:6000', '[2001:db8::1]:6000', '192.0.2.2:5000']);
  expect(found.faults).toEqual(['gone.example.org: no such name']);
});

test.each(['', '.'])('target %j: there is decidedly no manager', async (target) => {
  const queries = queriesWith([record(target, 0)]);
  const source = dnsManagers({ domain: 'example.org', service: '_mine._tcp', queries, fraction: () => 0 });
  expect(source.name).toBe('DNS _mine._tcp.example.org');
  await expect(source.find(signal)).rejects.toThrow('no manager');
});

test('configured names become addresses, or stay names where the certificate must bear them', async () => {
  const managers = [
    { host: 'm1.example.org', port: 7 },
    { host: '192.0.2.5', port: 8 },
  ];
  const resolved = await fixedManagers(managers, resolve).find(signal);
  expect(resolved.addresses.map(managerKey)).toEqual(['192.0.2.1:7', '[2001:db8::1]:7', '192.0.2.5:8']);
  expect((await fixedManagers(managers).find(signal)).addresses).toEqual(managers);
});
