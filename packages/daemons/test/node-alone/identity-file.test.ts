// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readIdentity, writeIdentity } from '../../src/node-alone/identity-file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(`${tmpdir()}/vnfpool-identity-`);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const read = () => readIdentity(`${folder}/alone.json`, `${folder}/manager-term`);

test('nothing is known at first', () => {
  expect(read()).toEqual({ nodeId: 0, highestTerm: 0n });
});

test('what is written is read again', () => {
  const identity = { nodeId: 4_294_967_294, highestTerm: 2n ** 64n - 1n };
  writeIdentity(`${folder}/alone.json`, identity);
  expect(read()).toEqual(identity);
});

test('the higher of the terms counts, as a member of a set and alone', () => {
  writeIdentity(`${folder}/alone.json`, { nodeId: 1, highestTerm: 4n });
  writeFileSync(`${folder}/manager-term`, '3\n');
  expect(read().highestTerm).toBe(4n);
  writeFileSync(`${folder}/manager-term`, '5\n');
  expect(read()).toEqual({ nodeId: 1, highestTerm: 5n });
});

test.each(['', '{}', '{"nodeId":9999999999,"highestTerm":"0"}', '{"nodeId":1'])(
  'a damaged file is told: %j',
  (text) => {
    writeFileSync(`${folder}/alone.json`, text);
    expect(read).toThrow(`${folder}/alone.json is damaged`);
  },
);
