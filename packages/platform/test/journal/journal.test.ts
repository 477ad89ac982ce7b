// SPDX-License-Identifier: Apache-2.0
import {
  appendFileSync,
  closeSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FakeDisk } from '../../src/fakes/index.ts';
import { type JournalCodec, openJournal } from '../../src/journal/index.ts';

const codec: JournalCodec<string> = {
  encode: (entry) => new TextEncoder().encode(entry),
  decode: (bytes) => new TextDecoder('utf-8', { fatal: true }).decode(bytes),
};

describe('a journal in a file', () => {
  let directory: string;
  let path: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'journal-'));
    path = join(directory, 'leases');
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const write = (...appends: string[][]): void => {
    const journal = openJournal({ path, codec });
    for (const entries of appends) journal.append(entries);
    journal.close();
  };
  const read = (): readonly string[] => {
    const journal = openJournal({ path, codec });
    journal.close();
    return journal.restored;
  };

  test('restores in order what was appended, over several openings', () => {
    expect(read()).toEqual([]);
    write(['a', 'b'], ['c']);
    write(['d', '']);
    expect(read()).toEqual(['a', 'b', 'c', 'd', '']);
  });

  test('lays a frame out as described', () => {
    write(['hi']);
    // Magic, 6 bytes of payload, their CRC-32 (as Python's zlib.crc32 gives it), length 2, "hi".
    expect(readFileSync(path).toString('hex')).toBe(
      `${Buffer.from('VNFPJL1\n').toString('hex')}06000000CRCCRCCR020000006869`.replace(
        'CRCCRCCR',
        CRC_OF_HI,
      ),
    );
  });

  test('cuts off an append torn at any byte, and goes on from there', () => {
    write(['first'], ['second', 'third']);
    const whole = readFileSync(path);
    const kept = 8 + 8 + 4 + 'first'.length;
    for (let length = kept; length < whole.length; length++) {
      writeFileSync(path, whole.subarray(0, length));
      const journal = openJournal({ path, codec });
      expect(journal.restored).toEqual(['first']);
      expect(journal.droppedBytes).toBe(length - kept);
      journal.append(['again']);
      journal.close();
      expect(read()).toEqual(['first', 'again']);
    }
  });

  test('zeros at the end are a torn append', () => {
    write(['first']);
    appendFileSync(path, Buffer.alloc(5000));
    expect(read()).toEqual(['first']);
  });

  test('a bad frame before a sound one is corruption, wherever the byte is', () => {
    write(['first'], ['second']);
    const whole = readFileSync(path);
    const firstFrameEnd = 8 + 8 + 4 + 'first'.length;
    for (let at = 0; at < firstFrameEnd; at++) {
      const bad = Buffer.from(whole);
      bad[at] = (bad[at] ?? 0) ^ 0x41;
      writeFileSync(path, bad);
      expect(read, `byte ${at}`).toThrow(expect.objectContaining({ code: 'JOURNAL_CORRUPT' }));
    }
  });

  test('another kind of file, or an unreadable entry, is corruption', () => {
    writeFileSync(path, 'hello, world');
    expect(read).toThrow(/not a journal/);
    rmSync(path);
    const bytes = openJournal({
      path,
      codec: { encode: (entry: Uint8Array) => entry, decode: (entry) => entry },
    });
    bytes.append([Uint8Array.of(0xff)]);
    bytes.close();
    expect(read).toThrow(/cannot be read/);
  });

  test('compacts when big and leaves nothing beside it', () => {
    const compact = (entries: readonly string[]): string[] => entries.slice(-1);
    const journal = openJournal({ path, codec, compact, compactBytes: 1000 });
    for (let entry = 0; entry < 500; entry++) journal.append([`entry ${entry}`]);
    expect(journal.compactions).toBeGreaterThan(5);
    expect(journal.fileBytes).toBeLessThan(1100);
    journal.close();
    const again = openJournal({ path, codec, compact, compactBytes: 1000 });
    expect(again.restored.at(-1)).toBe('entry 499');
    expect(again.restored.length).toBeLessThan(100);
    again.close();
    expect(readdirSync(directory)).toEqual(['leases']);
  });

  test('a compaction that did not finish is forgotten', () => {
    write(['a']);
    writeFileSync(`${path}.new`, 'half');
    expect(read()).toEqual(['a']);
    expect(readdirSync(directory)).toEqual(['leases']);
  });

  test('takes nothing after it was closed, and no empty append', () => {
    const journal = openJournal({ path, codec });
    journal.append([]);
    expect(journal.fileBytes).toBe(8);
    journal.close();
    journal.close();
    expect(() => journal.append(['x'])).toThrow(expect.objectContaining({ code: 'CLOSED' }));
  });

  test('an entry above the bound is refused and the journal goes on', () => {
    const journal = openJournal({ path, codec });
    expect(() => journal.append(['x'.repeat(17 * 1024 * 1024)])).toThrow(/bytes/);
    journal.append(['y']);
    journal.close();
    expect(read()).toEqual(['y']);
  });

  test.skipIf(process.platform !== 'linux')('takes nothing more after a write failed', () => {
    write(['first']);
    const journal = openJournal({ path, codec });
    // Close the file underneath: every write to it fails from now on.
    for (const fd of readdirSync('/proc/self/fd')) {
      if (linkOf(`/proc/self/fd/${fd}`) === path) closeSync(Number(fd));
    }
    expect(() => journal.append(['second'])).toThrow(expect.objectContaining({ code: 'JOURNAL_FAILED' }));
    expect(() => journal.append(['third'])).toThrow(expect.objectContaining({ code: 'JOURNAL_FAILED' }));
    expect(read()).toEqual(['first']);
  });

  test('a file that lost its magic while empty is not taken for new', () => {
    write();
    truncateSync(path, 3);
    expect(read).toThrow(/not a journal/);
  });
});

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

const CRC_OF_HI = 'fb384065';

test('the disk in memory keeps what was appended, and fails on demand', () => {
  const disk = new FakeDisk<number>();
  const journal = disk.open();
  journal.append([1, 2]);
  disk.failure = new Error('full');
  expect(() => journal.append([3])).toThrow(expect.objectContaining({ code: 'JOURNAL_FAILED' }));
  disk.failure = undefined;
  expect(() => journal.append([3])).toThrow(expect.objectContaining({ code: 'JOURNAL_FAILED' }));
  expect(disk.open().restored).toEqual([1, 2]);
});
