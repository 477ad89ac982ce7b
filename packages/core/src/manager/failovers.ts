// SPDX-License-Identifier: Apache-2.0
import type { FailoverCause, FailoverRecord } from '@vnfpool/wire/mobility';
import type { FailoverView, Outage } from '../management/views.ts';

/** An outage seen by users may begin this long after the new holder is reachable. */
const AFTER_SERVING_MS = 2_000;
/** By so much the clocks of a traffic source and a node may differ. */
const CLOCKS_MS = 2;

const CAUSES: Readonly<Record<FailoverCause, string>> = {
  genesis: 'the slot was new',
  'lease-expired': 'the lease ran out',
  'function-exit': 'the function ended',
  'function-unhealthy': 'the health check failed',
  clock: "the clock of the holder's node runs at another rate than the others'",
  handover: 'it was handed over on purpose',
};

/** The record as people read it; `nameOf` gives the name of an instance, `nodeOf` of a node. */
export function failoverView(
  record: FailoverRecord,
  slot: { readonly pool: string; readonly index: number },
  nameOf: (functionId: number) => string,
  nodeOf: (node: number) => string,
): FailoverView {
  return {
    id: record.id,
    pool: slot.pool,
    slot: slot.index,
    epoch: Number(record.epoch),
    from: record.from ? nameOf(record.from.functionId) : null,
    to: nameOf(record.to.functionId),
    fromNode: record.from ? nodeOf(record.from.node) : null,
    toNode: nodeOf(record.to.node),
    cause: CAUSES[record.cause],
    fencedBy: record.fencedBy,
    steps: record.steps.map(({ name, atMs }) => ({
      name,
      at: atMs,
      source: nodeOf(record.to.node),
      clock: 'boottime',
    })),
    outageMs: null,
    failedRequests: null,
  };
}

/**
 * The failover with what a traffic source saw of it: the longest outage that ended when, or after, the new
 * holder was reachable and began at most 2 s after that. The same when it saw nothing of it.
 */
export function withOutage(failover: FailoverView, source: string, outage: Outage): FailoverView {
  const switchedAt = failover.steps.find(({ name }) => name === 'switched')?.at;
  if (switchedAt === undefined) return failover;
  // What ended before was another outage; what the holder did later, too.
  if (outage.firstOkAt < switchedAt - CLOCKS_MS || outage.lastOkAt > switchedAt + AFTER_SERVING_MS)
    return failover;
  const outageMs = outage.firstOkAt - outage.lastOkAt;
  // The same outage with a higher count replaces itself.
  const known = failover.outageMs ?? -1;
  if (known > outageMs || (known === outageMs && (failover.failedRequests ?? 0) >= outage.failed))
    return failover;
  return {
    ...failover,
    steps: [
      ...failover.steps.filter(({ name }) => name !== 'first-served'),
      { name: 'first-served', at: outage.firstOkAt, source, clock: 'wall' },
    ],
    outageMs,
    failedRequests: outage.failed,
  };
}
