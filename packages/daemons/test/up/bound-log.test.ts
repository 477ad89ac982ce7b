// SPDX-License-Identifier: Apache-2.0
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { boundLog } from '../../src/up/bound-log.ts';

test('a log that is open for appending is cut at its bound, and goes on', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vnfpool-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'node-a.log');
  boundLog(path, 10);
  const writer = openSync(path, 'a');
  onTestFinished(() => closeSync(writer));
  writeSync(writer, '0123456789');
  boundLog(path, 10);
  expect(existsSync(`${path}.1`)).toBe(false);
  writeSync(writer, 'a');
  boundLog(path, 10);
  writeSync(writer, 'b');
  expect(readFileSync(`${path}.1`, 'utf8')).toBe('0123456789a');
  expect(readFileSync(path, 'utf8')).toBe('b');
});
