// SPDX-License-Identifier: Apache-2.0
import { setImmediate as turn } from 'node:timers/promises';
import {
  type ConntrackEntry,
  type ConntrackFailure,
  type InsertOptions,
  IPS_FIXED_TIMEOUT,
  isWanted,
} from '@vnfpool/platform/conntrack';
import { WireError } from '@vnfpool/wire/bytes';
import {
  decodeSharedFlow,
  type FlowEntry,
  type FlowKey,
  isSharedExpectationKey,
  readSharedFlowKey,
  sharedFlowBody,
  sharedFlowKey,
  sharedFlowParts,
} from '@vnfpool/wire/flow-state';
import {
  type FlowInsertCounts,
  type FlowInsertTable,
  insertFlows,
  partsOf,
  TIMEOUT_SECONDS_MIN,
} from '../flow-transfer/insert.ts';
import {
  commitExpectations,
  type ExpectationCommitCounts,
  type ExpectationCommitTable,
} from './commit-expectations.ts';
import type { SharedFlowFilter } from './flow-kernel.ts';
import type { KnownTable } from './kept-table.ts';
import { type FlowOfCopy, PlainBatch, type PlainFlowTable } from './plain-batch.ts';

/** Listed, or put in, before others get their turn: some 5 ms. */
const ENTRIES_A_TURN = 2000;

/** A table whose contents are replaced: a `Conntrack`. */
export interface FlowCommitTable extends FlowInsertTable, PlainFlowTable, ExpectationCommitTable {
  /** Entries of the namespace, whatever the filter. */
  count(): number;
  dump(filter: SharedFlowFilter): Generator<readonly ConntrackEntry[]>;
  remove(keys: readonly FlowKey[]): ConntrackFailure[];
}

export interface FlowCommitOptions {
  /** What of the table it is about; the rest stays as it is. */
  readonly filter?: SharedFlowFilter;
  readonly signal?: AbortSignal;
  /** Flows live at least so long, as nothing would renew their time before they are used. Default 300. */
  readonly timeoutSecondsMin?: number;
  /** What is known of the table within the filter: it is not listed then. */
  readonly known?: KnownTable | null;
}

/** What came of it; `flows` were put in. */
export interface FlowCommitResult extends Readonly<FlowInsertCounts>, Readonly<ExpectationCommitCounts> {
  /** Were there already, the same. */
  readonly kept: number;
  /** Were there, and are not in the copy, or are other ones there. */
  readonly removed: number;
  /** Entries of the copy that are neither flows nor expectations, or none within the filter. */
  readonly leftOut: number;
}

/**
 * Makes the kernel's table, within the filter, the one that the entries say, by a listing where not all of it is known, or it is empty: what
 * is not among them, or is otherwise, is removed; then the rest is put in, masters ahead of what they announced, and what is expected behind them all. Single flows and expectations that the kernel
 * refuses are told, and do not end it.
 * @throws PlatformError when the kernel refuses the listing; the signal's reason
 */
export async function commitFlows(
  table: FlowCommitTable,
  entries: Iterable<readonly [key: string, value: Uint8Array]>,
  options: FlowCommitOptions = {},
): Promise<FlowCommitResult> {
  const { filter = {}, signal, timeoutSecondsMin = TIMEOUT_SECONDS_MIN, known = null } = options;
  signal?.throwIfAborted();
  const copied: FlowOfCopy[] = [];
  const expected = new Map<string, Uint8Array>();
  for (const entry of entries) {
    if (isSharedExpectationKey(entry[0])) expected.set(...entry);
    else copied.push(entry);
  }
  const counts = { kept: 0, removed: 0, leftOut: 0, flows: 0, weakened: 0, refusedTotal: 0 };
  const result = {
    ...counts,
    expected: 0,
    orphaned: 0,
    notExpected: 0,
    notExpectedCode: '',
    refused: [],
  };
  const others = async (): Promise<void> => {
    await turn();
    signal?.throwIfAborted();
  };

  let coming: Iterable<FlowOfCopy> = copied;
  const leaving: string[] = [];
  if (known !== null) {
    const missing = copied.filter(([key, value]) => !known.has(key, value));
    result.kept = copied.length - missing.length;
    coming = missing;
    for (const key of known.others) leaving.push(key);
  } else if (table.count() > 0) {
    const wanted = new Map(copied);
    let listed = 0;
    for (const piece of table.dump(filter)) {
      for (const entry of piece) {
        const key = sharedFlowKey(entry);
        const value = wanted.get(key);
        if (value === undefined || !isAs(entry, value, timeoutSecondsMin)) leaving.push(key);
        else if (wanted.delete(key)) result.kept++;
      }
      listed += piece.length;
      if (listed < ENTRIES_A_TURN) continue;
      listed = 0;
      await others();
    }
    coming = wanted;
  }
  for (const part of partsOf(leaving)) {
    const failures = table.remove(part.map(readSharedFlowKey));
    result.removed += part.length - failures.length;
    await others();
  }

  const insert: InsertOptions = { ifExists: 'replace', timeoutSecondsMin };
  let flows: FlowEntry[] = [];
  const children: FlowEntry[] = [];
  const plain = new PlainBatch(table, filter, timeoutSecondsMin, ENTRIES_A_TURN);
  const takeWhole = ([key, value]: FlowOfCopy): void => {
    const flow = flowOf(key, value, filter);
    if (flow === null) result.leftOut++;
    else (flow.master === null ? flows : children).push(flow);
  };
  /** What is refused as it is may be there already, or may go in weaker. */
  const insertPlain = (): void => {
    const { taken, refused } = plain.insert();
    result.flows += taken.length;
    for (const entry of refused) takeWhole(entry);
  };
  for (const entry of coming) {
    if (!plain.add(entry)) takeWhole(entry);
    if (flows.length < ENTRIES_A_TURN && !plain.isFull) continue;
    if (plain.isFull) insertPlain();
    if (flows.length >= ENTRIES_A_TURN) {
      insertFlows(table, flows, insert, result);
      flows = [];
    }
    await others();
  }
  insertPlain();
  insertFlows(table, flows, insert, result);
  for (const part of partsOf(children)) {
    await others();
    insertFlows(table, part, insert, result);
  }
  result.leftOut += commitExpectations(table, expected, () => copied.map(([key]) => key), filter, result);
  return result;
}

/** Whether it is what it should be, and has time enough to be used. */
function isAs(entry: ConntrackEntry, value: Uint8Array, timeoutSecondsMin: number): boolean {
  try {
    const { body, timeoutSeconds } = sharedFlowParts(value);
    const isFixed = (entry.status & IPS_FIXED_TIMEOUT) !== 0;
    const secondsMin = isFixed ? 1 : Math.min(timeoutSecondsMin, Math.max(1, timeoutSeconds));
    return entry.timeoutSeconds >= secondsMin && sharedFlowBody(entry) === body;
  } catch (error) {
    if (error instanceof WireError) return false;
    throw error;
  }
}

/** Null: no flow, or none within the filter. */
export function flowOf(key: string, value: Uint8Array, filter: SharedFlowFilter): FlowEntry | null {
  try {
    const flow = decodeSharedFlow(readSharedFlowKey(key), value);
    return isWanted(flow, filter) ? flow : null;
  } catch (error) {
    if (error instanceof WireError) return null;
    throw error;
  }
}
