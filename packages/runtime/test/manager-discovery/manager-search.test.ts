// SPDX-License-Identifier: Apache-2.0
import {
  type ManagerCandidate,
  ManagerSearch,
  type ManagerSource,
  managerKey,
} from '@vnfpool/runtime/manager-discovery';
import { expect, test } from 'vitest';

const at = (port: number) => ({ host: '192.0.2.1', port });
const knows = (name: string, ...ports: number[]): ManagerSource => ({
  name,
  find: async () => ({ addresses: ports.map(at), faults: [] }),
});
const fails = (name: string, reason: string): ManagerSource => ({
  name,
  find: async () => {
    throw new Error(reason);
  },
});

function searchOf(
  sources: readonly ManagerSource[],
  findMs?: number,
): {
  readonly search: ManagerSearch;
  readonly faults: string[];
  readonly attempt: (signal?: AbortSignal) => Promise<string[]>;
} {
  const faults: string[] = [];
  const search = new ManagerSearch({
    sources,
    onFault: ({ source, reason }) => faults.push(`${source}: ${reason}`),
    ...(findMs === undefined ? {} : { findMs }),
  });
  const attempt = async (signal = new AbortController().signal): Promise<string[]> => {
    const tried: ManagerCandidate[] = [];
    for await (const candidate of search.attempt(signal)) tried.push(candidate);
    return tried.map((each) => `${each.source} ${each.port}`);
  };
  return { search, faults, attempt };
}

test('every attempt walks the sources in order; one that fails or knows nothing is told and stops no other', async () => {
  const { attempt, faults } = searchOf([
    knows('configured', 1),
    fails('dns', 'ENOTFOUND'),
    { name: 'file', find: async () => ({ addresses: [at(2), at(1)], faults: ['line 3: no'] }) },
    knows('registrar'),
    knows('more', 3),
  ]);
  for (let round = 0; round < 2; round += 1) {
    faults.length = 0;
    // Each address once, by the first source that has it.
    expect(await attempt()).toEqual(['configured 1', 'file 2', 'more 3']);
    expect(faults).toEqual(['dns: ENOTFOUND', 'file: line 3: no', 'registrar: it knows no manager']);
  }
});

test('a later source is not asked while an earlier one serves', async () => {
  let asked = 0;
  const { search } = searchOf([
    knows('configured', 1),
    {
      name: 'dns',
      find: async () => {
        asked += 1;
        return { addresses: [], faults: [] };
      },
    },
  ]);
  for await (const candidate of search.attempt(new AbortController().signal)) {
    expect(candidate.port).toBe(1);
    break;
  }
  expect(asked).toBe(0);
});

test('who was of no use comes last until a manager is found', async () => {
  const { search, attempt, faults } = searchOf([knows('configured', 1, 2), knows('dns', 3)]);
  search.passOver(at(1));
  search.passOver(at(2));
  expect(await attempt()).toEqual(['dns 3', 'configured 1', 'configured 2']);
  expect(faults).toEqual([
    'configured: 192.0.2.1:1 was of no use before; once more',
    'configured: 192.0.2.1:2 was of no use before; once more',
  ]);
  search.found();
  expect(await attempt()).toEqual(['configured 1', 'configured 2', 'dns 3']);
});

test('what is passed over is bounded: the first one is forgotten', async () => {
  const { search, attempt } = searchOf([knows('configured', 1), knows('dns', 2)]);
  search.passOver(at(1));
  for (let port = 100; port < 164; port += 1) search.passOver(at(port));
  expect(await attempt()).toEqual(['configured 1', 'dns 2']);
});

test('a source with too many addresses is cut, and says so', async () => {
  const ports = Array.from({ length: 20 }, (_each, index) => index + 1);
  const { attempt, faults } = searchOf([knows('dns', ...ports)]);
  expect(await attempt()).toHaveLength(16);
  expect(faults).toEqual(['dns: 20 addresses; only the first 16 are tried']);
});

test('a source that never answers is given up', async () => {
  const { attempt, faults } = searchOf(
    [{ name: 'dns', find: () => new Promise(() => {}) }, knows('file', 1)],
    1,
  );
  expect(await attempt()).toEqual(['file 1']);
  expect(faults).toEqual(['dns: no answer within 1 ms']);
});

test('an attempt that is aborted asks and tells nothing more', async () => {
  const ending = new AbortController();
  const { attempt, faults } = searchOf([
    {
      name: 'dns',
      find: async () => {
        ending.abort();
        throw new Error('cancelled');
      },
    },
    knows('file', 1),
  ]);
  expect(await attempt(ending.signal)).toEqual([]);
  expect(faults).toEqual([]);
});

test('keys of addresses tell families apart', () => {
  expect(managerKey({ host: '2001:db8::1', port: 1 })).toBe('[2001:db8::1]:1');
});
