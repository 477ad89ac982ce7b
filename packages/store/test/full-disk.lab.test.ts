// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddedStore, StoreFullError } from '@vnfpool/store';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const mountPoint = mkdtempSync(join(tmpdir(), 'vnfpool-full-'));
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', mountPoint]).status === 0;
if (!mounted) console.warn('skipped: a small file system cannot be mounted without privilege');

interface Tables {
  readonly big: string;
  readonly twin: string;
}

describe.skipIf(!mounted)('embedded store on a full disk', () => {
  let store: EmbeddedStore<Tables>;
  beforeAll(() => {
    store = new EmbeddedStore<Tables>(join(mountPoint, 'db'));
  });
  afterAll(async () => {
    await store.close();
    spawnSync('umount', [mountPoint]);
    rmdirSync(mountPoint);
  });

  test('says so, writes nothing by halves, keeps what it has and goes on when there is room', async () => {
    let written = 0;
    let failure: unknown;
    while (failure === undefined && written < 100) {
      const key = String(written).padStart(3, '0');
      try {
        await store.write([
          { table: 'big', key, value: 'x'.repeat(50_000) },
          { table: 'twin', key, value: key },
        ]);
        written += 1;
      } catch (error) {
        failure = error;
      }
    }
    expect(failure).toBeInstanceOf(StoreFullError);
    expect(written).toBeGreaterThan(2);
    expect((await store.list('big')).length).toBe(written);
    expect((await store.list('twin')).length).toBe(written);

    await store.close();
    store = new EmbeddedStore<Tables>(join(mountPoint, 'db'));
    expect((await store.list('twin')).length).toBe(written);

    spawnSync('mount', ['-o', 'remount,size=4m', mountPoint]);
    await store.write([{ table: 'twin', key: 'z', value: 'room again' }]);
    expect(await store.get('twin', 'z')).toBe('room again');
  });
});
