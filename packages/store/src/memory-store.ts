// SPDX-License-Identifier: Apache-2.0
import { StoreError, StoreFullError } from './errors.ts';
import {
  KEY_CHARACTERS_MAX,
  type ManagerStore,
  type Reader,
  type Row,
  type StoreOptions,
  type Write,
} from './store.ts';

/** What a memory store leaves behind: give it to the next one to play a restart. */
export type MemoryDisk = Map<string, Map<string, string>>;

/** A store in memory, for simulations: same rules, values copied as JSON, and a disk that can be full. */
export class MemoryStore<Tables> implements ManagerStore<Tables> {
  /** While true every write fails with `StoreFullError`. */
  full = false;
  readonly #disk: MemoryDisk;
  readonly #options: StoreOptions;
  #closed = false;

  constructor(options: StoreOptions = {}, disk: MemoryDisk = new Map()) {
    this.#options = options;
    this.#disk = disk;
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
    this.#apply(writes);
  }

  async transact<Result>(
    work: (reader: Reader<Tables>) => { readonly writes: readonly Write<Tables>[]; readonly result: Result },
  ): Promise<Result> {
    const { writes, result } = work(this.#reader());
    this.#apply(writes);
    return result;
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #reader(): Reader<Tables> {
    this.#assertOpen();
    const disk = this.#disk;
    return {
      get: (table, key) => {
        const text = disk.get(table)?.get(key);
        return text === undefined ? undefined : JSON.parse(text);
      },
      list: (table) =>
        [...(disk.get(table) ?? [])]
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([key, text]) => ({ key, value: JSON.parse(text) })),
    };
  }

  #apply(writes: readonly Write<Tables>[]): void {
    this.#assertOpen();
    // Everything that can fail comes before the first change.
    const rows = writes.map(({ table, key, value }) => ({
      table,
      key: checkedKey(key),
      text: value === null ? null : JSON.stringify(value),
    }));
    if (this.full && rows.length > 0) throw new StoreFullError('no room on the disk');
    for (const { table, key, text } of rows) {
      let content = this.#disk.get(table);
      if (!content) this.#disk.set(table, (content = new Map()));
      if (text === null) content.delete(key);
      else content.set(key, text);
    }
    for (const [table, max] of Object.entries(this.#options.rowsMax ?? {})) {
      const content = this.#disk.get(table);
      if (!content || content.size <= max) continue;
      for (const key of [...content.keys()].sort().slice(0, content.size - max)) content.delete(key);
    }
  }

  #assertOpen(): void {
    if (this.#closed) throw new StoreError('the store is closed');
  }
}

/** A key as it may be used. @throws StoreError when it is empty or too long. */
export function checkedKey(key: string): string {
  if (key.length < 1 || key.length > KEY_CHARACTERS_MAX) {
    throw new StoreError(`a key has 1 to ${KEY_CHARACTERS_MAX} characters, this one ${key.length}`);
  }
  return key;
}
