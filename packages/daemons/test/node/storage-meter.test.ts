// SPDX-License-Identifier: Apache-2.0
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { FileSystemMeter, FolderMeter, FreeMeter } from '../../src/node/storage-meter.ts';

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'vnfpool-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
async function usedIn(folder: string, entriesMax?: number): Promise<bigint | null> {
  const meter = new FolderMeter(folder, entriesMax === undefined ? {} : { entriesMax });
  await meter.measure();
  return meter.use.usedBytes;
}

test('a folder has what its files take, those with two names once, and not what links lead to', async () => {
  const [folder, other] = [makeFolder(), makeFolder()];
  writeFileSync(`${other}/big`, Buffer.alloc(4_000_000));
  const empty = (await usedIn(folder)) ?? -1n;
  expect(empty).toBeGreaterThanOrEqual(0n);
  mkdirSync(`${folder}/a/b`, { recursive: true });
  writeFileSync(`${folder}/a/b/file`, Buffer.alloc(1_000_000));
  linkSync(`${folder}/a/b/file`, `${folder}/again`);
  symlinkSync(other, `${folder}/away`);
  const used = ((await usedIn(folder)) ?? 0n) - empty;
  expect(used).toBeGreaterThanOrEqual(1_000_000n);
  expect(used).toBeLessThan(1_200_000n);
});

test('a folder with more in it than is looked at is not told, nor one that is gone', async () => {
  const folder = makeFolder();
  for (const name of ['a', 'b', 'c']) writeFileSync(`${folder}/${name}`, 'x');
  expect(await usedIn(folder, 3)).not.toBeNull();
  expect(await usedIn(folder, 2)).toBeNull();
  expect(await usedIn(`${folder}/gone`)).toBeNull();
  expect(new FolderMeter(`${folder}/gone`).use.freeBytes).toBeNull();
  expect(new FolderMeter(folder).use.freeBytes).toBeGreaterThan(0n);
});

test('it is looked at now and then, not all the time', async () => {
  const folder = makeFolder();
  const meter = new FolderMeter(folder, { everyMs: 1_000 });
  expect(meter.use.usedBytes).toBeNull();
  meter.look(5);
  await expect.poll(() => meter.use.usedBytes).not.toBeNull();
  const before = meter.use.usedBytes ?? 0n;
  writeFileSync(`${folder}/file`, Buffer.alloc(1_000_000));
  meter.look(900);
  await meter.measure();
  expect(meter.use.usedBytes).toBeGreaterThanOrEqual(before + 1_000_000n);
});

test('of a file system of its own all is told; of a shared one what is left; of one that is not there nothing', () => {
  const own = new FileSystemMeter(() => tmpdir());
  expect(own.use.usedBytes).toBeGreaterThanOrEqual(0n);
  expect(own.use.freeBytes).toBeGreaterThan(0n);
  expect(new FreeMeter(() => tmpdir()).use).toMatchObject({ usedBytes: null });
  for (const path of [null, '/nowhere']) {
    expect(new FileSystemMeter(() => path).use).toEqual({ usedBytes: null, freeBytes: null });
    expect(new FreeMeter(() => path).use).toEqual({ usedBytes: null, freeBytes: null });
  }
});
