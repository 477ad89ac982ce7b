// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@vnfpool/runtime/logging';
import type { FailoverRecord } from '@vnfpool/wire/mobility';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { keepFailovers, keptFailovers } from '../../src/node/kept-failovers.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vnfpool-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
});

const record: FailoverRecord = {
  id: '00000000000000aa/7',
  slot: '00000000000000aa',
  epoch: '7',
  from: { node: 1, functionId: 1 },
  to: { node: 2, functionId: 2 },
  cause: 'lease-expired',
  fencedBy: 'timeout',
  steps: [{ name: 'detected', atMs: 1_795_251_600_100.25 }],
};

test('what was kept is there for the next agent, also when it is much', () => {
  expect(keptFailovers(folder, silentLogger)).toEqual([]);
  const many = Array.from({ length: 64 }, (_, n) => ({ ...record, id: `00000000000000aa/${n}` }));
  keepFailovers(folder, many, silentLogger);
  expect(keptFailovers(folder, silentLogger)).toEqual(many);
  keepFailovers(folder, [], silentLogger);
  expect(keptFailovers(folder, silentLogger)).toEqual([]);
});

test.each(['', '{', '[]', '{"v":2}', '\u0000\u0001'])('a damaged file ends no agent: %j', (text) => {
  keepFailovers(folder, [record], silentLogger);
  writeFileSync(join(folder, 'failovers.json'), text);
  expect(keptFailovers(folder, silentLogger)).toEqual([]);
});

test('a folder that cannot be written ends no agent', () => {
  writeFileSync(join(folder, 'file'), '');
  expect(() => keepFailovers(join(folder, 'file'), [record], silentLogger)).not.toThrow();
  expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('');
});
