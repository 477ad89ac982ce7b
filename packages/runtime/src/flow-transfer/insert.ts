// SPDX-License-Identifier: Apache-2.0
import type { ConntrackFailure, InsertOptions } from '@vnfpool/platform/conntrack';
import type { FlowEntry, FlowKey } from '@vnfpool/wire/flow-state';

/** Records given to the kernel before others get their turn. */
const RECORDS_A_TURN = 1000;
/** Longer than any transfer takes between two rounds, and than a failover takes until traffic comes. */
export const TIMEOUT_SECONDS_MIN = 300;
/** Refusals that are told one by one. */
const REFUSALS_MAX = 100;

/** Where flows are put in: a `Conntrack`. */
export interface FlowInsertTable {
  insert(entries: readonly FlowEntry[], options: InsertOptions): ConntrackFailure[];
}

/** A flow that the kernel refused. */
export interface FlowRefusal {
  readonly key: FlowKey;
  /** The errno's name: `ENOMEM` is a full table. */
  readonly code: string;
}

/** What came of it, summed up over calls. */
export interface FlowInsertCounts {
  /** Flows put into the table. */
  flows: number;
  /** Of them, those that go on without their helper, or without the flow that announced them. */
  weakened: number;
  refusedTotal: number;
  /** The first of those that were refused, at most 100. */
  readonly refused: FlowRefusal[];
}

/**
 * Puts flows into the kernel, some weaker than they were: a master may have ended before its children, and a helper not be there; the
 * packets find their way without.
 * @returns places of those that were refused
 */
export function insertFlows(
  table: FlowInsertTable,
  entries: readonly FlowEntry[],
  options: InsertOptions,
  counts: FlowInsertCounts,
): ReadonlySet<number> {
  const failures = new Map(table.insert(entries, options).map(({ index, error }) => [index, error.code]));
  weaken(table, entries, options, failures, counts);
  counts.flows += entries.length - failures.size;
  counts.refusedTotal += failures.size;
  for (const [index, code] of failures) {
    if (counts.refused.length === REFUSALS_MAX) break;
    const { original, zone, zoneDirection } = entries[index] as FlowEntry;
    counts.refused.push({ key: { original, zone, zoneDirection }, code });
  }
  return new Set(failures.keys());
}

function weaken(
  table: FlowInsertTable,
  entries: readonly FlowEntry[],
  options: InsertOptions,
  failures: Map<number, string>,
  counts: FlowInsertCounts,
): void {
  const places = [...failures].flatMap(([place, code]) => {
    const { helper = null, master = null } = entries[place] ?? {};
    return (code === 'ENOENT' && master !== null) || (code === 'EOPNOTSUPP' && helper !== null)
      ? [place]
      : [];
  });
  if (places.length === 0) return;
  const weaker = places.map((place) => ({ ...(entries[place] as FlowEntry), master: null, helper: null }));
  const still = new Map(table.insert(weaker, options).map(({ index, error }) => [index, error.code]));
  for (const [index, place] of places.entries()) {
    const code = still.get(index);
    if (code === undefined) {
      failures.delete(place);
      counts.weakened++;
    } else failures.set(place, code);
  }
}

/** In pieces, between which others get their turn. */
export function* partsOf<Item>(items: readonly Item[]): Generator<Item[]> {
  for (let at = 0; at < items.length; at += RECORDS_A_TURN) yield items.slice(at, at + RECORDS_A_TURN);
}
