// SPDX-License-Identifier: Apache-2.0
import type { ManagerStore, Write } from './store.ts';

/** A store with a table of numbers given. */
export interface CounterTables {
  readonly counters: number;
}

/**
 * Gives the next `count` numbers of a counter and returns the first; 1 at the beginning. They are on disk as
 * given before anybody sees them, so none is given twice, whatever crashes.
 */
export function allocate<Tables extends CounterTables>(
  store: ManagerStore<Tables>,
  counter: string,
  count = 1,
): Promise<number> {
  return store.transact((reader) => {
    const last = (reader.get('counters', counter) as number | undefined) ?? 0;
    // The compiler cannot see that this is a member of the union while Tables is open.
    const write = { table: 'counters', key: counter, value: last + count } as unknown as Write<Tables>;
    return { writes: [write], result: last + 1 };
  });
}

/** The term of a manager that starts now: above every term before it. */
export async function raiseTerm<Tables extends CounterTables>(store: ManagerStore<Tables>): Promise<bigint> {
  return BigInt(await allocate(store, 'term'));
}
