// SPDX-License-Identifier: Apache-2.0
import type { AcceptedValue } from '@vnfpool/wire/lease';
import type { FailoverCause } from '@vnfpool/wire/mobility';

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
    case 'expired':
      return { cause: 'lease-expired', fencedBy: 'release' };
    case 'operator':
    case 'handover':
      return { cause: 'handover', fencedBy: 'release' };
    case 'clock':
    case 'function-exit':
    case 'function-unhealthy':
      return { cause: former.released, fencedBy: 'release' };
  }
}
