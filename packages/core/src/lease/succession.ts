// SPDX-License-Identifier: Apache-2.0
import type { AcceptedValue, LeaseHolder, LeaseValue } from '@vnfpool/wire/lease';
import type { FailoverCause } from '@vnfpool/wire/mobility';

/** The place in the queue once the former holder, that stood before this candidate, is gone from it. */
export function rankNow(candidate: LeaseHolder, rank: number, value: LeaseValue | undefined): number {
  if (value === undefined || rank === 0) return rank;
  const place = ({ node, functionId }: LeaseHolder): number =>
    value.candidates.findIndex((listed) => listed.node === node && listed.functionId === functionId);
  const former = place(value.holder);
  return former >= 0 && former < place(candidate) ? rank - 1 : rank;
}

/** How the former holder became silent, and what is told as the cause. */
export function causeOf(former: AcceptedValue): {
  cause: FailoverCause;
  fencedBy: 'release' | 'timeout' | 'none';
} {
  if (former.round === 0) return { cause: 'genesis', fencedBy: 'none' };
  switch (former.released) {
    case null:
    case 'abandoned':
      return { cause: 'lease-expired', fencedBy: 'timeout' };
    case 'operator':
    case 'handover':
      return { cause: 'handover', fencedBy: 'release' };
    case 'function-exit':
    case 'function-unhealthy':
      return { cause: former.released, fencedBy: 'release' };
  }
}
