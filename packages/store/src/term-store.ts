// SPDX-License-Identifier: Apache-2.0
import type { CounterTables } from './counters.ts';
import { StoreError } from './errors.ts';
import type { ManagerStore, Reader, Row, Write } from './store.ts';

/** Another manager has raised its term on the store since; nothing was written. */
export class SupersededError extends StoreError {
  override readonly code = 'SUPERSEDED' as const;
  override readonly name = 'SupersededError' as const;
  /** Of who leads now. */
  readonly term: bigint;

  constructor(own: bigint, term: bigint) {
    super(`a manager of term ${term} leads on this store, we had ${own}`);
    this.term = term;
  }
}

/**
 * A store as the manager of one term has it: what it writes is written only while no other manager has raised its term
 * there, which is looked at in the transaction that writes. So of two managers that both believe to lead, however that
 * came about, the older one changes nothing.
 *
 * `onSuperseded` is called before the promise rejects.
 */
export class TermStore<Tables extends CounterTables> implements ManagerStore<Tables> {
  readonly #store: ManagerStore<Tables>;
  readonly #term: bigint;
  readonly #onSuperseded: (error: SupersededError) => void;

  constructor(
    store: ManagerStore<Tables>,
    term: bigint,
    onSuperseded: (error: SupersededError) => void = () => {},
  ) {
    this.#store = store;
    this.#term = term;
    this.#onSuperseded = onSuperseded;
  }

  get<Table extends keyof Tables & string>(table: Table, key: string): Promise<Tables[Table] | undefined> {
    return this.#store.get(table, key);
  }

  list<Table extends keyof Tables & string>(table: Table): Promise<readonly Row<Tables[Table]>[]> {
    return this.#store.list(table);
  }

  async write(writes: readonly Write<Tables>[]): Promise<void> {
    if (writes.length > 0) await this.transact(() => ({ writes, result: undefined }));
  }

  async transact<Result>(
    work: (reader: Reader<Tables>) => { readonly writes: readonly Write<Tables>[]; readonly result: Result },
  ): Promise<Result> {
    try {
      return await this.#store.transact((reader) => {
        const term = BigInt((reader.get('counters', 'term') as number | undefined) ?? 0);
        if (term !== this.#term) throw new SupersededError(this.#term, term);
        return work(reader);
      });
    } catch (error) {
      if (error instanceof SupersededError) this.#onSuperseded(error);
      throw error;
    }
  }

  /** @throws SupersededError when another manager leads */
  confirm(): Promise<void> {
    return this.transact(() => ({ writes: [], result: undefined }));
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}
