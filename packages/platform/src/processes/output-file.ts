// SPDX-License-Identifier: Apache-2.0
import {
  closeSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';

/** Where a file of output begins to be of this run, and its bounds. */
export interface OutputFileOptions {
  /** Octets of earlier runs; default all that are there now. */
  readonly from?: number;
  /** Lines that are told, default 10, and characters of one, default 2000. */
  readonly linesMax?: number;
  readonly lineCharactersMax?: number;
  /** Octets from which `bound` cuts it, default 4 MiB. */
  readonly bytesMax?: number;
}

/** Octets from which a file of output is cut, where nothing else is said. */
export const OUTPUT_FILE_BYTES_MAX: number = 4 * 1024 * 1024;
/** The end of the file that is read for its last lines. */
const TAIL_BYTES = 65_536;

/**
 * The file into which a program writes its output itself, so that it lasts when we end. The program has it open for
 * appending: it is cut by `bound` in its place, never exchanged.
 */
export class OutputFile {
  readonly path: string;
  readonly #linesMax: number;
  readonly #lineCharactersMax: number;
  readonly #bytesMax: number;
  #from: number;
  #seenBytes = -1;
  #lines: readonly string[] = [];

  /** Makes the file when it is not there. @throws Error of the system */
  constructor(path: string, options: OutputFileOptions = {}) {
    this.path = path;
    this.#linesMax = options.linesMax ?? 10;
    this.#lineCharactersMax = options.lineCharactersMax ?? 2_000;
    this.#bytesMax = options.bytesMax ?? OUTPUT_FILE_BYTES_MAX;
    const fd = this.open();
    const { size } = fstatSync(fd);
    closeSync(fd);
    this.#from = Math.min(options.from ?? size, size);
  }

  /** First octet of this run. */
  get from(): number {
    return this.#from;
  }

  /** A descriptor for a program to write to; whoever asked closes it. */
  open(): number {
    return openSync(this.path, 'a', 0o640);
  }

  /** The last lines of this run, oldest first, an unfinished one included. A file that is gone has none. */
  lines(): readonly string[] {
    try {
      const { size } = statSync(this.path);
      if (size !== this.#seenBytes) this.#read(size);
    } catch {
      this.#lines = [];
    }
    return this.#lines;
  }

  /**
   * Keeps it within its bound: what is in it goes to `PATH.1`, at most as much as the bound, in place of what is there. What
   * is written at that very moment may be lost. Where the disk is full nothing is kept of it.
   * @returns whether it was cut
   * @throws Error of the system when it cannot be cut
   */
  bound(): boolean {
    const fd = openSync(this.path, 'r+');
    try {
      const { size } = fstatSync(fd);
      if (size <= this.#bytesMax) return false;
      try {
        writeFileSync(`${this.path}.new`, readFrom(fd, size - this.#bytesMax, this.#bytesMax), {
          mode: 0o640,
        });
        renameSync(`${this.path}.new`, `${this.path}.1`);
      } catch {
        for (const name of ['new', '1']) rmSync(`${this.path}.${name}`, { force: true });
      }
      ftruncateSync(fd, 0);
      this.#from = 0;
      return true;
    } finally {
      closeSync(fd);
    }
  }

  #read(size: number): void {
    this.#seenBytes = size;
    // Somebody cut it.
    if (size < this.#from) this.#from = 0;
    const begin = Math.max(this.#from, size - TAIL_BYTES);
    const fd = openSync(this.path, 'r');
    try {
      const lines = readFrom(fd, begin, size - begin)
        .toString('utf8')
        .split('\n');
      if (lines.at(-1) === '') lines.pop();
      this.#lines = lines.slice(-this.#linesMax).map((line) => line.slice(0, this.#lineCharactersMax));
    } finally {
      closeSync(fd);
    }
  }
}

function readFrom(fd: number, position: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  let read = 0;
  while (read < bytes) {
    const more = readSync(fd, buffer, read, bytes - read, position + read);
    if (more === 0) break;
    read += more;
  }
  return buffer.subarray(0, read);
}
