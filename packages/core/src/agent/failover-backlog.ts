// SPDX-License-Identifier: Apache-2.0
import type { FailoverRecord } from '@vnfpool/wire/mobility';

/**
 * Records at most, told or not; the oldest go first. As many as a node has slots: one may take all of another's while no manager is
 * there. One is some 0.5 kB on the disk and 1 kB in memory.
 */
const RECORDS_MAX = 4_096;
/** What one report carries, 30 kB; the next ones follow when these are acknowledged. */
const TOLD_MAX = 64;
/** Up to so many are written to the disk one by one; more of them together, so often at most. */
const KEPT_ONE_BY_ONE = 64;
const KEEP_EVERY_MS = 250;
/** A manager has written down long before this what it has acknowledged, or cannot write at all. */
const SETTLED_MS = 60_000;
/** Between words on records that were dropped. */
const DROPPED_EVERY_MS = 60_000;

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
  /** What was given to be written to the disk last: nothing else is told. */
  #kept: readonly FailoverRecord[] = [];
  #keptAtMs = Number.NEGATIVE_INFINITY;
  #isKept = true;
  #dropped = 0;
  #droppedToldAtMs = Number.NEGATIVE_INFINITY;

  /** To be told, oldest first. */
  get pending(): readonly FailoverRecord[] {
    const first = this.#pending.slice(0, TOLD_MAX);
    if (this.#isKept) return first;
    const kept = new Set(this.#kept.map(({ id }) => id));
    return first.filter(({ id }) => kept.has(id));
  }

  /** To be on the disk. */
  get all(): readonly FailoverRecord[] {
    return this.#kept;
  }

  add(record: FailoverRecord, nowMs: number): void {
    this.#bound([...this.#pending, record], nowMs);
  }

  /** What a process before this one has kept: whether it was acknowledged does not matter. */
  restore(records: readonly FailoverRecord[], nowMs: number): void {
    this.#bound([...records, ...this.#pending], nowMs);
  }

  acknowledge(ids: readonly string[], nowMs: number): void {
    const told = new Set(ids);
    const done = this.#pending.filter(({ id }) => told.has(id));
    this.#acknowledged = [
      ...this.#acknowledged,
      ...done.map((record) => ({ record, untilMs: nowMs + SETTLED_MS })),
    ];
    const left = this.#pending.filter(({ id }) => !told.has(id));
    this.#bound(left, nowMs);
  }

  /** A manager leads this node from now on. Every start of one has a term of its own. */
  managed(term: bigint | null, nowMs: number): void {
    const isAnother = this.#term !== undefined && this.#term !== term;
    this.#term = term;
    if (!isAnother) return;
    const again = this.#acknowledged.map(({ record }) => record);
    this.#acknowledged = [];
    this.restore(again, nowMs);
  }

  expire(nowMs: number): void {
    const left = this.#acknowledged.filter(({ untilMs }) => untilMs > nowMs);
    if (left.length !== this.#acknowledged.length) {
      this.#acknowledged = left;
      this.#isKept = false;
    }
    this.#keep(nowMs);
  }

  nextDeadline(): number | undefined {
    const all = [];
    if (this.#acknowledged[0] !== undefined) all.push(this.#acknowledged[0].untilMs);
    if (!this.#isKept) all.push(this.#keptAtMs + KEEP_EVERY_MS);
    if (this.#dropped > 0) all.push(this.#droppedToldAtMs + DROPPED_EVERY_MS);
    return all.length === 0 ? undefined : Math.min(...all);
  }

  /** How many records that no manager has taken were dropped since that was told last; 0: none, or it is not time to say so. */
  takeDropped(nowMs: number): number {
    if (this.#dropped === 0 || nowMs < this.#droppedToldAtMs + DROPPED_EVERY_MS) return 0;
    const dropped = this.#dropped;
    this.#dropped = 0;
    this.#droppedToldAtMs = nowMs;
    return dropped;
  }

  #bound(pending: readonly FailoverRecord[], nowMs: number): void {
    this.#dropped += Math.max(0, pending.length - RECORDS_MAX);
    this.#pending = pending.slice(-RECORDS_MAX);
    const room = RECORDS_MAX - this.#pending.length;
    this.#acknowledged = room === 0 ? [] : this.#acknowledged.slice(-room);
    this.#isKept = false;
    this.#keep(nowMs);
  }

  /** A thousand records that come one by one are not a thousand writes of ever more of them. */
  #keep(nowMs: number): void {
    const records = this.#pending.length + this.#acknowledged.length;
    if (this.#isKept || (records > KEPT_ONE_BY_ONE && nowMs < this.#keptAtMs + KEEP_EVERY_MS)) return;
    this.#kept = [...this.#acknowledged.map(({ record }) => record), ...this.#pending];
    this.#keptAtMs = nowMs;
    this.#isKept = true;
  }
}

/** What there is to say about records that were dropped. */
export function droppedText(records: number): string {
  const what = records === 1 ? '1 failover record was' : `${records} failover records were`;
  return `${what} dropped, the oldest: no manager has taken them, and ${RECORDS_MAX} are kept at most`;
}
