// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

/* examples/relay says what happened, and it is what docs/relay.md says. */

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const missing = existsSync(`${root}packages/daemons/dist/relay/index.js`)
  ? null
  : 'needs packages that are built';

test('the run of examples/relay: a third moves, none is lost by it, and all go on after the other one was killed', async ({
  skip,
}) => {
  skip(missing !== null, missing ?? '');
  const args = [`${root}examples/relay/run.mjs`, '--sessions', '100', '--seconds', '1'];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 110_000 });
  const lines = stdout.trim().split('\n');
  expect(lines[0]).toBe('100 clients talk by way of the relay of node 1');
  expect(lines[1]).toBe('30 sessions have moved: node 1 serves 70, node 2 30 by way of node 1');
  expect(lines[2]).toMatch(/^\d+ datagrams, 0 lost, /);
  expect(lines[3]).toMatch(/servers know 100 ports of 100 sessions$/);
  expect(lines[4]).toMatch(/^the relay of node 2 was killed: after [\d.]+ s node 1 serves all 100 again$/);
  expect(lines[5]).toMatch(/of the 30 sessions that it had$/);
  expect(lines[6]).toBe('clients that kept their server through all of this: 100 of 100');
}, 120_000);
