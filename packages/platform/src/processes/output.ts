// SPDX-License-Identifier: Apache-2.0
import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';

/** Bounds of what is kept of a program's output. */
export interface OutputOptions {
  /** Lines kept in memory, default 200; older ones go. */
  readonly linesMax?: number;
  /** Characters of a line that are kept, default 2000; the rest of it goes. */
  readonly lineCharactersMax?: number;
  /** File that gets all output; a full one is renamed to `PATH.1`, in place of an older one. */
  readonly logPath?: string;
  /** Bytes of the file, default 4 MiB. */
  readonly logBytesMax?: number;
}

/** Keeps the last lines of an output, and a log file. */
export class OutputRecorder {
  readonly #linesMax: number;
  readonly #lineCharactersMax: number;
  readonly #logPath: string | undefined;
  readonly #logBytesMax: number;
  readonly #lines: string[] = [];
  readonly #unfinished = new Map<string, { decoder: StringDecoder; line: string }>();
  #log: { fd: number; bytes: number } | undefined;
  /** Why the log file was given up; the program goes on without. */
  logFailure: string | undefined;

  constructor(options: OutputOptions = {}) {
    this.#linesMax = options.linesMax ?? 200;
    this.#lineCharactersMax = options.lineCharactersMax ?? 2000;
    this.#logPath = options.logPath;
    this.#logBytesMax = options.logBytesMax ?? 4 * 1024 * 1024;
    // A path that cannot be written is an error now, not a surprise later.
    if (this.#logPath !== undefined) this.#log = openLog(this.#logPath);
  }

  /** The last lines, oldest first, unfinished ones included. */
  get lines(): readonly string[] {
    const open = [...this.#unfinished.values()].map((part) => part.line).filter((line) => line !== '');
    return [...this.#lines, ...open].slice(-this.#linesMax);
  }

  /** Takes bytes of one of several streams; lines of different streams are not mixed. */
  take(stream: string, chunk: Buffer): void {
    this.#write(chunk);
    let part = this.#unfinished.get(stream);
    if (part === undefined) {
      part = { decoder: new StringDecoder('utf8'), line: '' };
      this.#unfinished.set(stream, part);
    }
    const pieces = part.decoder.write(chunk).split('\n');
    for (const [place, piece] of pieces.entries()) {
      if (part.line.length < this.#lineCharactersMax) {
        part.line = (part.line + piece).slice(0, this.#lineCharactersMax);
      }
      if (place === pieces.length - 1) break;
      this.#lines.push(part.line);
      part.line = '';
      if (this.#lines.length > this.#linesMax) this.#lines.shift();
    }
  }

  close(): void {
    if (this.#log !== undefined) closeSync(this.#log.fd);
    this.#log = undefined;
  }

  #write(chunk: Buffer): void {
    if (this.#log === undefined || this.#logPath === undefined) return;
    try {
      if (this.#log.bytes + chunk.length > this.#logBytesMax && this.#log.bytes > 0) {
        closeSync(this.#log.fd);
        this.#log = undefined;
        renameSync(this.#logPath, `${this.#logPath}.1`);
        this.#log = openLog(this.#logPath);
      }
      // A chunk greater than the bound loses its beginning.
      const kept = chunk.subarray(Math.max(0, chunk.length - this.#logBytesMax));
      this.#log.bytes += writeSync(this.#log.fd, kept);
    } catch (error) {
      this.logFailure = error instanceof Error ? error.message : String(error);
      this.close();
    }
  }
}

function openLog(path: string): { fd: number; bytes: number } {
  const fd = openSync(path, 'a', 0o640);
  return { fd, bytes: fstatSync(fd).size };
}
