// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import { StoreError, StoreFullError } from './errors.ts';
import { makeLockRoom } from './lock-room.ts';
import { checkedKey } from './memory-store.ts';
import type { ManagerStore, Reader, Row, StoreOptions, Write } from './store.ts';

type Key = [table: string, key: string];

/** LMDB's number for "the map is full", and the system's for "no space left" and "input/output error". */
const MDB_MAP_FULL = -30_792;
const ENOSPC = 28;
const EIO = 5;
/** With less than this free, a failed write is put down to a full disk. */
const ROOM_BYTES = 1_048_576;

/**
 * The store of the managers of one machine: an LMDB file in a directory of its own. One of them leads; see `TermStore`.
 *
 * Transactions run synchronously. That keeps the thread for the time of one fdatasync, and is what makes a
 * failed write come back: the library's asynchronous transactions never settle when the disk is full.
 */
export class EmbeddedStore<Tables> implements ManagerStore<Tables> {
  readonly #database: RootDatabase<unknown, Key>;
  readonly #directory: string;
  readonly #options: StoreOptions;
  #closed = false;

  /** @throws StoreError when the directory cannot be used. */
  constructor(directory: string, options: StoreOptions = {}) {
    this.#directory = directory;
    this.#options = options;
    try {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      makeLockRoom(join(directory, 'manager.mdb-lock'));
      this.#database = open<unknown, Key>({
        path: join(directory, 'manager.mdb'),
        encoding: 'json',
        // A commit returns after the data and then the root have reached the disk.
        overlappingSync: false,
        // What a rolled-back transaction put must not be read back from a cache.
        cache: false,
      });
    } catch (error) {
      throw this.#explained(error, 'cannot be opened');
    }
  }

  async get<Table extends keyof Tables & string>(
    table: Table,
    key: string,
  ): Promise<Tables[Table] | undefined> {
    return this.#reader().get(table, key);
  }

  async list<Table extends keyof Tables & string>(table: Table): Promise<readonly Row<Tables[Table]>[]> {
    return this.#reader().list(table);
  }

  async write(writes: readonly Write<Tables>[]): Promise<void> {
    if (writes.length > 0) this.#commit(() => ({ writes, result: undefined }));
  }

  async transact<Result>(
    work: (reader: Reader<Tables>) => { readonly writes: readonly Write<Tables>[]; readonly result: Result },
  ): Promise<Result> {
    return this.#commit(work);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#database.close();
  }

  #commit<Result>(
    work: (reader: Reader<Tables>) => { readonly writes: readonly Write<Tables>[]; readonly result: Result },
  ): Result {
    const reader = this.#reader();
    let refused: { readonly error: unknown } | undefined;
    try {
      return this.#database.transactionSync(() => {
        try {
          const { writes, result } = work(reader);
          for (const { table, key, value } of writes) {
            if (value === null) this.#database.removeSync([table, checkedKey(key)]);
            else this.#database.putSync([table, checkedKey(key)], value);
          }
          this.#trim();
          return result;
        } catch (error) {
          refused = { error };
          throw error;
        }
      });
    } catch (error) {
      // The caller's own error goes back as it is; LMDB's gets a name.
      if (refused && refused.error === error && !isSystemError(error)) throw error;
      throw this.#explained(error, 'could not be written');
    }
  }

  #trim(): void {
    for (const [table, max] of Object.entries(this.#options.rowsMax ?? {})) {
      const excess = this.#database.getKeysCount(rangeOf(table)) - max;
      if (excess <= 0) continue;
      // Taken before the first removal: a cursor does not survive changes below it.
      const oldest = Array.from(this.#database.getKeys({ ...rangeOf(table), limit: excess }));
      for (const key of oldest) this.#database.removeSync(key);
    }
  }

  #reader(): Reader<Tables> {
    if (this.#closed) throw new StoreError('the store is closed');
    const database = this.#database;
    return {
      get: <Table extends keyof Tables & string>(table: Table, key: string) =>
        database.get([table, key]) as Tables[Table] | undefined,
      list: <Table extends keyof Tables & string>(table: Table) =>
        [...database.getRange(rangeOf(table))].map(({ key, value }) => ({
          key: key[1],
          value: value as Tables[Table],
        })),
    };
  }

  #explained(error: unknown, what: string): StoreError {
    const code = (error as { code?: unknown }).code;
    const message = `${this.#directory} ${what}: ${(error as Error).message}`;
    // LMDB tells a write that the disk cut short as an input/output error.
    if (
      code === ENOSPC ||
      code === 'ENOSPC' ||
      code === MDB_MAP_FULL ||
      (code === EIO && this.#hasNoRoom())
    ) {
      return new StoreFullError(`${message} (no room on the disk)`, { cause: error });
    }
    return new StoreError(message, { cause: error });
  }

  #hasNoRoom(): boolean {
    const { bavail, bsize } = statfsSync(this.#directory);
    return bavail * bsize < ROOM_BYTES;
  }
}

function isSystemError(error: unknown): boolean {
  return typeof (error as { code?: unknown }).code === 'number';
}

function rangeOf(table: string): { start: Key; end: Key } {
  return { start: [table, ''], end: [`${table}\0`, ''] };
}
