// SPDX-License-Identifier: Apache-2.0
import type { Journal } from './journal.ts';
import type { ManagerWrite } from './records.ts';
import type { ManagerCoreOutput } from './types.ts';

/** After a store refused a write. */
export const STORE_RETRY_MS = 5_000;

/** Has the journal's writes saved, one batch at a time. Nothing waits for them. */
export class Saving {
  readonly #journal: Journal;
  readonly #nextPersist: () => number;
  #batch: { readonly id: number; readonly writes: readonly ManagerWrite[] } | null = null;
  #retryAtMs: number | null = null;

  /** `nextPersist` gives the number of the next `persist` output. */
  constructor(journal: Journal, nextPersist: () => number) {
    this.#journal = journal;
    this.#nextPersist = nextPersist;
  }

  /** When saving is tried again after a failure; null: it goes on with the next write. */
  get retryAtMs(): number | null {
    return this.#retryAtMs;
  }

  save(outputs: ManagerCoreOutput[]): void {
    if (!this.#journal.hasWrites || this.#batch || this.#retryAtMs !== null) return;
    this.#batch = { id: this.#nextPersist(), writes: this.#journal.takeWrites() };
    outputs.push({ type: 'persist', id: this.#batch.id, writes: this.#batch.writes });
  }

  /** False: the number is not that of a batch of ours. */
  persisted(id: number): boolean {
    if (this.#batch?.id !== id) return false;
    this.#batch = null;
    return true;
  }

  /** False: the number is not that of a batch of ours. */
  persistFailed(id: number, nowMs: number): boolean {
    if (this.#batch?.id !== id) return false;
    this.#journal.keep(this.#batch.writes);
    this.#batch = null;
    this.#retryAtMs = nowMs + STORE_RETRY_MS;
    return true;
  }

  expire(nowMs: number): void {
    if (this.#retryAtMs !== null && this.#retryAtMs <= nowMs) this.#retryAtMs = null;
  }
}
