// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import { type FileHandle, link, mkdir, open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { within } from '../within.ts';
import { checkName, checkObject, isName, type ObjectStore, ObjectStoreError } from './object-store.ts';

export interface FolderStoreOptions {
  /** For one call, ms; default 10,000. */
  readonly answerMs?: number;
}

const ANSWER_MS = 10_000;
/** Files that a crash left half written are removed after this time. */
const LEFT_MS = 3_600_000;

/**
 * A folder that all nodes see, as of a file system on the network: a file an object. A file is written under another name, synced, then linked
 * to its own, which fails if somebody else was first; then the folder is synced.
 */
export class FolderStore implements ObjectStore {
  readonly #path: string;
  readonly #answerMs: number;
  /** Calls that took too long and have not come back: a file system that hangs takes a thread for each. */
  #hanging = 0;
  #isClosed = false;

  /** @param path absolute; folders in it are made when they are needed, it itself is not: it may be a mount that is missing */
  constructor(path: string, { answerMs = ANSWER_MS }: FolderStoreOptions = {}) {
    this.#path = path;
    this.#answerMs = answerMs;
  }

  create(folder: string, name: string, octets: Uint8Array): Promise<boolean> {
    const place = this.#place(folder, name);
    checkObject(octets);
    return this.#bounded(() => this.#create(folder, place, octets));
  }

  read(folder: string, name: string): Promise<Uint8Array | null> {
    const place = this.#place(folder, name);
    return this.#bounded(() => orMissing(readFile(place), null));
  }

  list(folder: string): Promise<readonly string[]> {
    const place = this.#place(folder);
    return this.#bounded(async () => {
      // A mount that is missing is no empty store.
      await stat(this.#path);
      const names = await orMissing(readdir(place), []);
      return names.filter((name) => !name.startsWith('.')).sort();
    });
  }

  folders(): Promise<readonly string[]> {
    return this.#bounded(async () => {
      const entries = await readdir(this.#path, { withFileTypes: true });
      const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
      return names.filter(isName).sort();
    });
  }

  remove(folder: string, names: readonly string[]): Promise<void> {
    const place = this.#place(folder);
    const paths = names.map((name) => this.#place(folder, name));
    return this.#bounded(async () => {
      for (const path of paths) await rm(path, { force: true });
      for (const name of await orMissing(readdir(place), [])) {
        if (!name.startsWith('.')) continue;
        const { mtimeMs } = await stat(join(place, name));
        if (Date.now() - mtimeMs > LEFT_MS) await rm(join(place, name), { force: true });
      }
    });
  }

  close(): Promise<void> {
    this.#isClosed = true;
    return Promise.resolve();
  }

  async #create(folder: string, place: string, octets: Uint8Array): Promise<boolean> {
    const within = this.#place(folder);
    await this.#made(within);
    const temporary = join(within, `.${randomUUID()}`);
    try {
      await synced(await open(temporary, 'wx', 0o600), (file) => file.writeFile(octets));
      try {
        await link(temporary, place);
      } catch (error) {
        if (codeOf(error) === 'EEXIST') return false;
        throw error;
      }
      await synced(await open(within, 'r'));
      return true;
    } finally {
      await rm(temporary, { force: true });
    }
  }

  /** The folder, and that it is there is on disk. */
  async #made(path: string): Promise<void> {
    try {
      await mkdir(path, { mode: 0o700 });
      await synced(await open(this.#path, 'r'));
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
  }

  #place(folder: string, name?: string): string {
    return join(this.#path, checkName(folder), ...(name === undefined ? [] : [checkName(name)]));
  }

  async #bounded<Result>(run: () => Promise<Result>): Promise<Result> {
    if (this.#isClosed) throw new ObjectStoreError('closed', 'the store was closed');
    if (this.#hanging > 0) throw new ObjectStoreError('unavailable', `${this.#path} hangs`);
    let isLate = false;
    const running = run().finally(() => {
      if (isLate) this.#hanging -= 1;
    });
    try {
      const late = `the store did not answer in ${this.#answerMs} ms`;
      return await within(this.#answerMs, running, () => new ObjectStoreError('unavailable', late));
    } catch (error) {
      if (!(error instanceof ObjectStoreError)) throw explained(this.#path, error);
      isLate = true;
      this.#hanging += 1;
      running.catch(() => undefined);
      throw error;
    }
  }
}

async function synced(file: FileHandle, write?: (file: FileHandle) => Promise<void>): Promise<void> {
  try {
    await write?.(file);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function orMissing<Result>(run: Promise<Result>, missing: Result): Promise<Result> {
  try {
    return await run;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return missing;
    throw error;
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

function explained(path: string, error: unknown): ObjectStoreError {
  const code = codeOf(error);
  const { message } = error as Error;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new ObjectStoreError('full', `${path} has no room: ${message}`, error);
  return new ObjectStoreError('unavailable', `${path}: ${message}`, error);
}
