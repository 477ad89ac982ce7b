// SPDX-License-Identifier: Apache-2.0

/** One row. */
export interface Row<Value> {
  readonly key: string;
  readonly value: Value;
}

/** Puts a value (JSON), or with `null` removes it. */
export type Write<Tables> = {
  readonly [Table in keyof Tables & string]: {
    readonly table: Table;
    /** 1 to 200 characters. */
    readonly key: string;
    readonly value: Tables[Table] | null;
  };
}[keyof Tables & string];

/** Reads inside a transaction. */
export interface Reader<Tables> {
  get<Table extends keyof Tables & string>(table: Table, key: string): Tables[Table] | undefined;
  /** In the order of the keys. */
  list<Table extends keyof Tables & string>(table: Table): Row<Tables[Table]>[];
}

/**
 * Where a manager keeps what it must not forget: tables of JSON values. `Tables` maps the name of a table to
 * the type of its values.
 *
 * What a resolved promise wrote is on disk. What a rejected one would have written is not there, none of it.
 */
export interface ManagerStore<Tables> {
  get<Table extends keyof Tables & string>(table: Table, key: string): Promise<Tables[Table] | undefined>;
  list<Table extends keyof Tables & string>(table: Table): Promise<readonly Row<Tables[Table]>[]>;
  /** All or nothing. Rejects with `StoreFullError` when there is no room. */
  write(writes: readonly Write<Tables>[]): Promise<void>;
  /** Reads, decides and writes with nobody in between. A throw from `work` writes nothing and comes back. */
  transact<Result>(
    work: (reader: Reader<Tables>) => { readonly writes: readonly Write<Tables>[]; readonly result: Result },
  ): Promise<Result>;
  close(): Promise<void>;
}

export interface StoreOptions {
  /**
   * Rows that a table keeps at most. The write that exceeds it removes those with the lowest keys, so keys of
   * a bounded table must grow with time.
   */
  readonly rowsMax?: Readonly<Record<string, number>>;
}

/** Characters of a key. */
export const KEY_CHARACTERS_MAX = 200;
