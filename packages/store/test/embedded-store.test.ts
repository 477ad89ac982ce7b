// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { EmbeddedStore } from '@vnfpool/store';
import { type ComplianceTables, storeCases } from '@vnfpool/testkit/compliance';
import { rolldown } from 'rolldown';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'vnfpool-store-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

describe('embedded store', () => {
  test.each(storeCases)('$name', async (promise) => {
    await promise.run(
      async () => new EmbeddedStore<ComplianceTables>(join(directory, 'db'), { rowsMax: { log: 3 } }),
    );
  });

  test('what was acknowledged is there after kill -9', { timeout: 30_000 }, async () => {
    const program = await bundledWriter();
    const path = join(directory, 'db');
    let acknowledged = 0;
    for (let round = 0; round < 3; round++) {
      const child = spawn(process.execPath, [program, path], { stdio: ['ignore', 'pipe', 'inherit'] });
      acknowledged = await acknowledgedBeforeKill(child, 20 + round * 7);
      const store = new EmbeddedStore<{ numbers: number; twins: number }>(path);
      const numbers = await store.list('numbers');
      const twins = await store.list('twins');
      await store.close();
      expect(numbers.length).toBeGreaterThanOrEqual(acknowledged);
      // One batch wrote both tables: they cannot differ.
      expect(twins).toEqual(numbers);
      expect(numbers.map(({ value }) => value)).toEqual(
        Array.from({ length: numbers.length }, (_, index) => index + 1),
      );
    }
    expect(acknowledged).toBeGreaterThan(60);
  });
});

/** Kills the writer after `count` lines; returns the last number that it said was written. */
async function acknowledgedBeforeKill(child: ChildProcess, count: number): Promise<number> {
  if (!child.stdout) throw new Error('the child has a pipe');
  const closed = once(child, 'close');
  let last = 0;
  let seen = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    last = Number(line);
    seen += 1;
    if (seen === count) child.kill('SIGKILL');
  }
  await closed;
  return last;
}

/** The child in plain JavaScript, beside a way to the installed packages. */
async function bundledWriter(): Promise<string> {
  const file = join(directory, 'writer.mjs');
  symlinkSync(
    fileURLToPath(new URL('../../../node_modules', import.meta.url)),
    join(directory, 'node_modules'),
  );
  const bundle = await rolldown({
    input: fileURLToPath(new URL('./fixtures/endless-writer.ts', import.meta.url)),
    platform: 'node',
    external: ['lmdb'],
    resolve: { conditionNames: ['source', 'import', 'node'] },
  });
  await bundle.write({ file, format: 'esm' });
  await bundle.close();
  return file;
}
