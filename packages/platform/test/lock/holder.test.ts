// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { lockHolder, takeLock } from '../../src/lock/index.ts';

test.skipIf(process.platform !== 'linux')(
  'who holds a lock: the process that is named and has the file',
  () => {
    const directory = mkdtempSync(join(tmpdir(), 'lock-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const path = join(directory, 'manager.lock');
    expect(lockHolder(path)).toBeNull();
    const lock = takeLock(path);
    expect(lockHolder(path)).toMatchObject({ pid: process.pid });
    // Another file of that name is not the one that is locked.
    rmSync(path);
    writeFileSync(path, `${process.pid}\n`);
    expect(lockHolder(path)).toBeNull();
    for (const text of ['', '1\n', '-1\n', '4194999\n', 'nobody']) {
      writeFileSync(path, text);
      expect(lockHolder(path)).toBeNull();
    }
    lock.release();
  },
);
