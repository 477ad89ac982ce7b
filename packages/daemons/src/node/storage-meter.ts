// SPDX-License-Identifier: Apache-2.0
import { statfsSync } from 'node:fs';
import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';

/** Octets of a function's files; null: not told. */
export interface StorageUse {
  readonly usedBytes: bigint | null;
  readonly freeBytes: bigint | null;
}

/** Looks at what a function keeps on a file system. */
export interface StorageMeter {
  /** Time to look again, on a clock that does not step. */
  look(atMs: number): void;
  readonly use: StorageUse;
}

export interface FolderMeterOptions {
  /** Files and folders of which the sizes are added up; a folder with more is not told. Default 20,000. */
  readonly entriesMax?: number;
  /** From one look to the next; default one minute. */
  readonly everyMs?: number;
}

/** How many looks are left out at a folder that has too much in it. */
const RARELY = 60;
/** Size of a block in what the kernel tells of a file, whatever the file system's are. */
const BLOCK_BYTES = 512;

/**
 * Of a folder: what its files take there, and what its file system has left. Other file systems below it are not entered, and a
 * file with several names counts once.
 */
export class FolderMeter implements StorageMeter {
  readonly #folder: string;
  readonly #entriesMax: number;
  readonly #everyMs: number;
  #used: bigint | null = null;
  #nextMs = 0;
  #isLooking = false;

  constructor(folder: string, { entriesMax = 20_000, everyMs = 60_000 }: FolderMeterOptions = {}) {
    this.#folder = folder;
    this.#entriesMax = entriesMax;
    this.#everyMs = everyMs;
  }

  look(atMs: number): void {
    if (this.#isLooking || atMs < this.#nextMs) return;
    this.#nextMs = atMs + this.#everyMs;
    this.#isLooking = true;
    void this.measure().finally(() => {
      this.#isLooking = false;
      // It would be the same work for nothing.
      if (this.#used === null) this.#nextMs = atMs + RARELY * this.#everyMs;
    });
  }

  get use(): StorageUse {
    return { usedBytes: this.#used, freeBytes: freeBytes(this.#folder) };
  }

  /** Adds up now. */
  async measure(): Promise<void> {
    try {
      this.#used = await sizeOf(this.#folder, this.#entriesMax);
    } catch {
      // It was removed, or is not ours to read.
      this.#used = null;
    }
  }
}

/** Of a file system that only the function has, with a size of its own. */
export class FileSystemMeter implements StorageMeter {
  readonly #path: () => string | null;

  /** @param path on it; null: it is not there yet */
  constructor(path: () => string | null) {
    this.#path = path;
  }

  look(): void {}

  get use(): StorageUse {
    const path = this.#path();
    if (path === null) return { usedBytes: null, freeBytes: null };
    try {
      const { blocks, bfree, bavail, bsize } = statfsSync(path, { bigint: true });
      return { usedBytes: (blocks - bfree) * bsize, freeBytes: bavail * bsize };
    } catch {
      return { usedBytes: null, freeBytes: null };
    }
  }
}

/** Of a file system that it shares: only what is left. */
export class FreeMeter implements StorageMeter {
  readonly #path: () => string | null;

  constructor(path: () => string | null) {
    this.#path = path;
  }

  look(): void {}

  get use(): StorageUse {
    const path = this.#path();
    return { usedBytes: null, freeBytes: path === null ? null : freeBytes(path) };
  }
}

function freeBytes(path: string): bigint | null {
  try {
    const { bavail, bsize } = statfsSync(path, { bigint: true });
    return bavail * bsize;
  } catch {
    return null;
  }
}

/** Null: it has more entries. */
async function sizeOf(folder: string, entriesMax: number): Promise<bigint | null> {
  const { dev, blocks } = await lstat(folder);
  const folders = [folder];
  const linked = new Set<number>();
  let total = BigInt(blocks);
  let entries = 0;
  for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
    for await (const entry of await opendir(next)) {
      entries += 1;
      if (entries > entriesMax) return null;
      const path = join(next, entry.name);
      const stat = await lstat(path).catch(() => null);
      // It went while we looked, or is another file system's.
      if (stat === null || stat.dev !== dev) continue;
      if (stat.isDirectory()) folders.push(path);
      else if (stat.nlink > 1) {
        if (linked.has(stat.ino)) continue;
        linked.add(stat.ino);
      }
      total += BigInt(stat.blocks);
    }
  }
  return total * BigInt(BLOCK_BYTES);
}
