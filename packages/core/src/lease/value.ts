// SPDX-License-Identifier: Apache-2.0
import type { LeaseCandidate, LeaseHolder, LeaseValue } from '@vnfpool/wire/lease';
import { CANDIDATES_MAX } from '@vnfpool/wire/lease';
import type { SlotDefinition } from '@vnfpool/wire/mobility';

export const NOBODY: LeaseHolder = { node: 0, functionId: 0, functionIncarnation: 0n };

/** The value that a slot is born with: its first candidates, held by nobody. */
export function genesisValue(slot: SlotDefinition): LeaseValue {
  return {
    holder: NOBODY,
    candidates: anyStart(slot.genesis.candidates),
    lastResort: slot.lastResort,
    lossMark: false,
    leaseMs: slot.leaseMs,
    randomId: slot.genesis.randomId,
  };
}

/** The value that a new holder, or a holder with a new list, proposes. */
export function proposedValue(
  slot: SlotDefinition,
  holder: LeaseHolder,
  lossMark: boolean,
  random: bigint,
): LeaseValue {
  return {
    holder,
    candidates: anyStart(slot.candidates),
    lastResort: slot.lastResort,
    lossMark,
    leaseMs: slot.leaseMs,
    randomId: random.toString(16).padStart(16, '0'),
  };
}

/** Whether the value lets `holder` go on: as listed, or as the last holder while its function lives. */
export function lists(value: LeaseValue, holder: LeaseHolder): boolean {
  return (
    sameHolder(value.holder, holder) ||
    value.candidates.some(
      (candidate) =>
        candidate.node === holder.node &&
        candidate.functionId === holder.functionId &&
        (candidate.functionIncarnation === 0n ||
          candidate.functionIncarnation === holder.functionIncarnation),
    )
  );
}

export function sameHolder(a: LeaseHolder, b: LeaseHolder): boolean {
  return (
    a.node === b.node && a.functionId === b.functionId && a.functionIncarnation === b.functionIncarnation
  );
}

/** Whether a holder of `value` has to renumber to say what the definition says now. */
export function isOutdated(value: LeaseValue, slot: SlotDefinition): boolean {
  const wanted = anyStart(slot.candidates);
  return (
    value.leaseMs !== slot.leaseMs ||
    value.lastResort.rule !== slot.lastResort.rule ||
    (value.lastResort.rule === 'after' &&
      slot.lastResort.rule === 'after' &&
      value.lastResort.afterMs !== slot.lastResort.afterMs) ||
    value.candidates.length !== wanted.length ||
    wanted.some((candidate, index) => {
      const listed = value.candidates[index];
      return listed === undefined || !sameHolder(listed, candidate);
    })
  );
}

function anyStart(candidates: SlotDefinition['candidates']): LeaseCandidate[] {
  return candidates
    .slice(0, CANDIDATES_MAX)
    .map(({ node, functionId }) => ({ node, functionId, functionIncarnation: 0n }));
}
