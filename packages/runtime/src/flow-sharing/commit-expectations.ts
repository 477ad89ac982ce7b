// SPDX-License-Identifier: Apache-2.0
import { isPlatformError } from '@vnfpool/platform';
import {
  type ConntrackExpectation,
  type ConntrackFailure,
  type ExpectationKey,
  isExpectationWanted,
} from '@vnfpool/platform/conntrack';
import { WireError } from '@vnfpool/wire/bytes';
import {
  decodeSharedExpectation,
  type FlowExpectation,
  sharedExpectationBody,
  sharedExpectationKey,
  sharedFlowKey,
  sharedKeyWithoutZone,
  zoneOfSharedKey,
} from '@vnfpool/wire/flow-state';
import type { SharedFlowFilter } from './flow-kernel.ts';

/** Where expectations are put in: a `Conntrack`. */
export interface ExpectationCommitTable {
  expectations(): readonly ConntrackExpectation[];
  expect(expectations: readonly FlowExpectation[]): ConntrackFailure[];
  unexpect(keys: readonly ExpectationKey[]): ConntrackFailure[];
}

/** What came of them. */
export interface ExpectationCommitCounts {
  /** They are in the kernel now, whether they were there before or not. */
  expected: number;
  /** Their master is not there. */
  orphaned: number;
  /** Refused otherwise, and why the first of them was: an errno's name. `EMFILE` is a helper or a table that expects no more. */
  notExpected: number;
  notExpectedCode: string;
}

/**
 * Makes the kernel expect what the copy says, and nothing else of its flows; their masters have to be there.
 * @param flows keys of the copy's flows; asked for only where something else is expected
 * @returns how many of the entries are no expectations, or none within the filter
 */
export function commitExpectations(
  table: ExpectationCommitTable,
  entries: ReadonlyMap<string, Uint8Array>,
  flows: () => Iterable<string>,
  filter: SharedFlowFilter,
  counts: ExpectationCommitCounts,
): number {
  const coming = new Map<string, FlowExpectation>();
  for (const [key, value] of entries) {
    const expectation = expectationOf(key, value);
    if (expectation !== null && isExpectationWanted(expectation, filter)) coming.set(key, expectation);
  }
  const leftOut = entries.size - coming.size;
  try {
    const here = new Map(
      table
        .expectations()
        .filter((each) => isExpectationWanted(each, filter))
        .map((each) => [plainKey(each), each]),
    );
    // What is there and is otherwise would be in the way of what comes.
    const leaving: ExpectationKey[] = [];
    for (const [key, expectation] of coming) {
      const plain = sharedKeyWithoutZone(key);
      const there = here.get(plain);
      here.delete(plain);
      if (there === undefined) continue;
      if (sharedExpectationBody(there) === sharedExpectationBody(expectation)) {
        coming.delete(key);
        counts.expected++;
      } else leaving.push(expectation);
    }
    if (here.size > 0) leaving.push(...ofFlows([...here.values()], flows()));
    if (leaving.length > 0) table.unexpect(leaving);
    const failures = table.expect([...coming.values()]);
    counts.expected += coming.size - failures.length;
    for (const { error } of failures) count(counts, error.code, 1);
  } catch (error) {
    if (!isPlatformError(error)) throw error;
    // Connections go on without.
    count(counts, error.code, coming.size);
  }
  return leftOut;
}

function count(counts: ExpectationCommitCounts, code: string, number: number): void {
  if (code === 'ENOENT') {
    counts.orphaned += number;
    return;
  }
  if (counts.notExpected === 0) counts.notExpectedCode = code;
  counts.notExpected += number;
}

/** Those whose master is one of the flows, which also says their zone. */
function ofFlows(expectations: readonly ConntrackExpectation[], flows: Iterable<string>): ExpectationKey[] {
  const zones = new Map<string, number>();
  for (const key of flows) zones.set(sharedKeyWithoutZone(key), zoneOfSharedKey(key));
  return expectations.flatMap(({ tuple, master }) => {
    const zone = zones.get(sharedFlowKey({ original: master, zone: 0, zoneDirection: 'both' })) ?? -1;
    return zone < 0 ? [] : [{ tuple, zone }];
  });
}

function plainKey(expectation: ConntrackExpectation): string {
  return sharedExpectationKey({ ...expectation, zone: 0 });
}

function expectationOf(key: string, value: Uint8Array): FlowExpectation | null {
  try {
    return decodeSharedExpectation(key, value);
  } catch (error) {
    if (error instanceof WireError) return null;
    throw error;
  }
}
