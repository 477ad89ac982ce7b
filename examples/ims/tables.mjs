// SPDX-License-Identifier: Apache-2.0
// What moves with the proxy: registrations, transactions, dialogs, and which calls are served for others or by others, in one map.
import { createHash } from 'node:crypto';
import { TrackedMap } from '@vnfpool/client/stateful';

/** Dialogs that one INVITE may bring about: someone behind us forks, or invents tags. */
export const DIALOGS_OF_INVITE_MAX = 8;

/** A short name for something long; the parts cannot run into each other. */
export function digest(...parts) {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 22);
}

const isRecord = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);

/** Transfers of single calls. */
const LINKS_MAX = 512;

/**
 * Tables `users`, `transactions` and `dialogs`, each with a bound; at the bound the proxy answers 503. `away`: calls that another
 * proxy serves for us; `via`: those that we serve for another one; `links`: how to reach each other. `state`: the map below all of them,
 * default one that can be moved.
 */
export class Tables {
  constructor({ usersMax = 20_000, transactionsMax = 20_000, dialogsMax = 20_000, state } = {}) {
    // A transaction can bring about its CANCEL, and dialogs beyond the bound that new ones are measured by.
    const entriesMax = usersMax + transactionsMax * (2 + DIALOGS_OF_INVITE_MAX) + 3 * dialogsMax + LINKS_MAX;
    this.state = state ?? new TrackedMap({ entriesMax, isValue: isRecord });
    this.users = new Table(this.state, 'u:', usersMax);
    this.transactions = new Table(this.state, 't:', transactionsMax);
    this.dialogs = new Table(this.state, 'd:', dialogsMax);
    this.away = new Table(this.state, 'a:', dialogsMax);
    this.via = new Table(this.state, 'v:', dialogsMax);
    this.links = new Table(this.state, 'l:', LINKS_MAX);
  }

  /** After an import. */
  recount() {
    for (const table of [this.users, this.transactions, this.dialogs, this.away, this.via, this.links])
      table.recount();
  }
}

class Table {
  #state;
  #prefix;
  #max;
  size = 0;

  constructor(state, prefix, max) {
    this.#state = state;
    this.#prefix = prefix;
    this.#max = max;
  }

  get full() {
    return this.size >= this.#max;
  }

  get(key) {
    return this.#state.get(this.#prefix + key);
  }

  has(key) {
    return this.size > 0 && this.#state.has(this.#prefix + key);
  }

  set(key, record) {
    const name = this.#prefix + key;
    const isNew = !this.#state.has(name);
    this.#state.set(name, record);
    // A map that others have, too, may have refused it.
    if (isNew && this.#state.has(name)) this.size += 1;
  }

  delete(key) {
    if (this.#state.delete(this.#prefix + key)) this.size -= 1;
  }

  *entries() {
    for (const [key, record] of this.#state.entries())
      if (key.startsWith(this.#prefix)) yield [key.slice(this.#prefix.length), record];
  }

  recount() {
    this.size = [...this.entries()].length;
  }
}
