// SPDX-License-Identifier: Apache-2.0
import { setImmediate as turn } from 'node:timers/promises';
import type { ConntrackChanges } from '@vnfpool/platform/conntrack';
import { type FlowExpectation, FlowStateEncoder } from '@vnfpool/wire/flow-state';

/** What of a function's state is moved: all of it, what changed since, what changed last, when nothing changes any more. */
export type FlowStateKind = 'snapshot' | 'delta' | 'last';

/** Records encoded, and handed on as one chunk of some 100 KiB, before others get their turn. */
const RECORDS_A_TURN = 2000;

/** Where flows come from: a `ConntrackFollower`. */
export interface FlowSource {
  changesInTurns(isWhole: boolean, signal: AbortSignal): Promise<ConntrackChanges>;
  /** What is expected now of flows that were told of. */
  expectations(): readonly FlowExpectation[];
}

/** What was moved. */
export interface FlowExportResult {
  readonly bytes: number;
  readonly flows: number;
  readonly gone: number;
  readonly expectations: number;
}

/**
 * Writes a gateway's flows, or what changed of them since the last call, as flow state. After a failure only a snapshot
 * counts: what was said before it did not arrive.
 */
export async function exportFlows(
  source: FlowSource,
  kind: FlowStateKind,
  write: (chunk: Uint8Array) => Promise<void>,
  signal: AbortSignal,
): Promise<FlowExportResult> {
  signal.throwIfAborted();
  const isSnapshot = kind === 'snapshot';
  const { changed, gone } = await source.changesInTurns(isSnapshot, signal);
  // Who begins anew has nothing that could go.
  const leaving = isSnapshot ? [] : gone;
  const encoder = new FlowStateEncoder();
  let bytes = 0;
  const send = async (): Promise<void> => {
    const chunk = encoder.take();
    bytes += chunk.length;
    await write(chunk);
    signal.throwIfAborted();
  };
  for (let at = 0; at < leaving.length + changed.length; at += RECORDS_A_TURN) {
    const end = at + RECORDS_A_TURN;
    for (const key of leaving.slice(at, end)) encoder.gone(key);
    for (const entry of changed.slice(Math.max(0, at - leaving.length), Math.max(0, end - leaving.length))) {
      encoder.flow(entry);
    }
    await send();
    await turn();
  }
  // They live for seconds, and only those that are left in the end are missed.
  const expectations = kind === 'last' ? source.expectations() : [];
  for (const expectation of expectations) encoder.expectation(expectation);
  encoder.end();
  await send();
  return { bytes, flows: changed.length, gone: leaving.length, expectations: expectations.length };
}
