// SPDX-License-Identifier: Apache-2.0
import type { FailoverRecord } from '@vnfpool/wire/mobility';

/** Records at most, told or not; the oldest go first. */
const RECORDS_MAX = 64;
/** A manager has written down long before this what it has acknowledged, or cannot write at all. */
const SETTLED_MS = 60_000;

interface Acknowledged {
  readonly record: FailoverRecord;
  readonly untilMs: number;
}

/**
 * Failover records on their way into a manager's store. A manager acknowledges a report before what is in it is on its disk:
 * so a record that was acknowledged is kept for a while, and told again when another manager leads, or the same one again.
 */
export class FailoverBacklog {
  #pending: readonly FailoverRecord[] = [];
  #acknowledged: readonly Acknowledged[] = [];
  /** Of the manager; null: it has none, undefined: none was there yet. */
  #term: bigint | null | undefined;

  /** To be told, oldest first. */
  get pending(): readonly FailoverRecord[] {
    return this.#pending;
  }

  /** To be on the disk. */
  get all(): readonly FailoverRecord[] {
    return [...this.#acknowledged.map(({ record }) => record), ...this.#pending];
  }

  add(record: FailoverRecord): void {
    this.#bound([...this.#pending, record]);
  }

  /** What a process before this one has kept: whether it was acknowledged does not matter. */
  restore(records: readonly FailoverRecord[]): void {
    this.#bound([...records, ...this.#pending]);
  }

  acknowledge(ids: readonly string[], nowMs: number): void {
    const done = this.#pending.filter(({ id }) => ids.includes(id));
    this.#acknowledged = [
      ...this.#acknowledged,
      ...done.map((record) => ({ record, untilMs: nowMs + SETTLED_MS })),
    ];
    this.#bound(this.#pending.filter(({ id }) => !ids.includes(id)));
  }

  /** A manager leads this node from now on. Every start of one has a term of its own. */
  managed(term: bigint | null): void {
    const isAnother = this.#term !== undefined && this.#term !== term;
    this.#term = term;
    if (!isAnother) return;
    const again = this.#acknowledged.map(({ record }) => record);
    this.#acknowledged = [];
    this.restore(again);
  }

  expire(nowMs: number): void {
    this.#acknowledged = this.#acknowledged.filter(({ untilMs }) => untilMs > nowMs);
  }

  nextDeadline(): number | undefined {
    return this.#acknowledged[0]?.untilMs;
  }

  #bound(pending: readonly FailoverRecord[]): void {
    this.#pending = pending.slice(-RECORDS_MAX);
    const room = RECORDS_MAX - this.#pending.length;
    this.#acknowledged = room === 0 ? [] : this.#acknowledged.slice(-room);
  }
}
