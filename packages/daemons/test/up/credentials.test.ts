// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { storeCredentials } from '@vnfpool/runtime/certificates';
import { testSet } from '@vnfpool/testkit/certificates';
import { expect, onTestFinished, test } from 'vitest';
import { hasGoodCredentials } from '../../src/up/lab.ts';

const HOUR_MS = 3_600_000;

test('a state folder kept over a weekend needs a token again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vnfpool-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  expect(hasGoodCredentials(folder)).toBe(false);
  const set = await testSet();
  storeCredentials(folder, await set.credentials({ role: 'node', name: 'node-a', id: 1 }));
  const nowMs = Date.now();
  expect(hasGoodCredentials(folder, nowMs)).toBe(true);
  expect(hasGoodCredentials(folder, nowMs + 60 * HOUR_MS)).toBe(false);
});
