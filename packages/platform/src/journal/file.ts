// SPDX-License-Identifier: Apache-2.0
import {
  closeSync,
  fdatasyncSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { PlatformError } from '../errors.ts';
import type { Journal } from '../interfaces.ts';
import { decodeFrame, encodeFrame, hasFrameBehind, MAGIC } from './frame.ts';

/** Turns entries into bytes and back. */
export interface JournalCodec<Entry> {
  encode(entry: Entry): Uint8Array;
  /** Throws for bytes it does not know. */
  decode(bytes: Uint8Array): Entry;
}

/** How a journal is kept. */
export interface JournalOptions<Entry> {
  /** The file; it is made when missing, its directory is not. */
  readonly path: string;
  readonly codec: JournalCodec<Entry>;
  /** The fewest entries that say the same as all of `entries`; without, the file only grows. */
  readonly compact?: (entries: readonly Entry[]) => readonly Entry[];
  /** Size at which it is compacted, default 1 MiB; after that at twice what is left, if this is more. */
  readonly compactBytes?: number;
}

/** A journal in a file, which tells what it found. */
export interface FileJournal<Entry> extends Journal<Entry> {
  /** Bytes of an unfinished append that were cut off at the start; 0 when the file was whole. */
  readonly droppedBytes: number;
  readonly fileBytes: number;
  readonly compactions: number;
}

/**
 * Opens a journal. What an interrupted append left at the end is cut off; it was never acknowledged.
 * @throws PlatformError `JOURNAL_CORRUPT` when something bad is followed by something sound, or the file is another kind:
 *   acknowledged entries are lost then, and whoever goes on does so as a new member.
 */
export function openJournal<Entry>(options: JournalOptions<Entry>): FileJournal<Entry> {
  return new LinuxFileJournal(options);
}

class LinuxFileJournal<Entry> implements FileJournal<Entry> {
  readonly restored: readonly Entry[];
  readonly droppedBytes: number;
  compactions = 0;
  readonly #options: JournalOptions<Entry>;
  readonly #kept: Entry[];
  #fd: number;
  #bytes: number;
  #compactAtBytes: number;
  #state: 'open' | 'failed' | 'closed' = 'open';

  constructor(options: JournalOptions<Entry>) {
    this.#options = options;
    this.#compactAtBytes = options.compactBytes ?? 1024 * 1024;
    // A compaction that did not reach its rename.
    rmSync(besides(options.path), { force: true });
    const file = readIfThere(options.path);
    if (file === undefined) {
      replaceFile(options.path, [MAGIC]);
      this.restored = [];
      this.droppedBytes = 0;
      this.#bytes = MAGIC.length;
      this.#fd = openSync(options.path, 'r+');
    } else {
      const read = readFrames(file, options);
      this.restored = read.entries;
      this.droppedBytes = file.length - read.bytes;
      this.#bytes = read.bytes;
      this.#fd = openSync(options.path, 'r+');
      if (this.droppedBytes > 0) {
        ftruncateSync(this.#fd, read.bytes);
        fsyncSync(this.#fd);
      }
    }
    this.#kept = [...this.restored];
  }

  get fileBytes(): number {
    return this.#bytes;
  }

  append(entries: readonly Entry[]): void {
    if (entries.length === 0) return;
    if (this.#state !== 'open') {
      const code = this.#state === 'closed' ? 'CLOSED' : 'JOURNAL_FAILED';
      throw new PlatformError(code, `the journal is ${this.#state}`, { call: 'journal append' });
    }
    const frame = encodeFrame(entries.map((entry) => this.#options.codec.encode(entry)));
    try {
      writeAll(this.#fd, frame, this.#bytes);
      fdatasyncSync(this.#fd);
      this.#bytes += frame.length;
      this.#kept.push(...entries);
      if (this.#options.compact !== undefined && this.#bytes >= this.#compactAtBytes) this.#compact();
    } catch (cause) {
      // After a failed sync nobody knows what is on disk, and a second one may lie.
      this.#state = 'failed';
      const message = `cannot write ${this.#options.path}; the journal takes no more entries`;
      throw new PlatformError('JOURNAL_FAILED', message, { call: 'journal append', cause });
    }
  }

  close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    closeSync(this.#fd);
  }

  #compact(): void {
    const fewest = [...(this.#options.compact?.(this.#kept) ?? this.#kept)];
    const parts: Uint8Array[] = [MAGIC];
    for (const entry of fewest) parts.push(encodeFrame([this.#options.codec.encode(entry)]));
    replaceFile(this.#options.path, parts);
    const old = this.#fd;
    this.#fd = openSync(this.#options.path, 'r+');
    closeSync(old);
    this.#kept.splice(0, this.#kept.length, ...fewest);
    this.#bytes = parts.reduce((sum, part) => sum + part.length, 0);
    this.#compactAtBytes = Math.max(this.#options.compactBytes ?? 1024 * 1024, 2 * this.#bytes);
    this.compactions++;
  }
}

function besides(path: string): string {
  return `${path}.new`;
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function readFrames<Entry>(
  file: Buffer,
  { path, codec }: JournalOptions<Entry>,
): { entries: Entry[]; bytes: number } {
  const corrupt = (message: string, cause?: unknown): PlatformError =>
    new PlatformError('JOURNAL_CORRUPT', `${path}: ${message}`, { call: 'journal open', cause });
  if (!file.subarray(0, MAGIC.length).equals(MAGIC)) throw corrupt('not a journal');
  const entries: Entry[] = [];
  let bytes = MAGIC.length;
  for (;;) {
    const frame = decodeFrame(file, bytes);
    if (frame === undefined) break;
    for (const entry of frame.entries) {
      try {
        entries.push(codec.decode(entry));
      } catch (cause) {
        throw corrupt(`an entry of the frame at ${bytes} cannot be read`, cause);
      }
    }
    bytes = frame.next;
  }
  if (hasFrameBehind(file, bytes)) throw corrupt(`the frame at ${bytes} is bad, and others follow it`);
  return { entries, bytes };
}

/** Puts a file in the place of another so that after a crash there is one or the other, whole. */
function replaceFile(path: string, parts: readonly Uint8Array[]): void {
  const fd = openSync(besides(path), 'w', 0o600);
  try {
    writeAll(fd, Buffer.concat(parts), 0);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(besides(path), path);
  const directory = openSync(dirname(path), 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

function writeAll(fd: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(fd, bytes, done, bytes.length - done, position + done);
  }
}
