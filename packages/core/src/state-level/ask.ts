// SPDX-License-Identifier: Apache-2.0
import type { DeclaredPool } from '../declared/set.ts';
import type { DeclaredSharing } from '../declared/sharing.ts';

/** What a pool asks, and what of the pool decides whether it can have it. */
export interface Ask {
  readonly sharing: DeclaredSharing;
  /** Instances that stand by for each slot. */
  readonly standbys: number;
  /** Instances that are active at a time. */
  readonly active: number;
  /** Its users have RSerPool sessions: they reach it through a registrar, and not by an address. */
  readonly hasSessions: boolean;
}

export function askOf(
  sharing: DeclaredSharing,
  { redundancy, addresses }: Pick<DeclaredPool, 'redundancy' | 'addresses'>,
): Ask {
  const { slots, standbys, instances } = redundancy;
  return {
    sharing,
    standbys: instances === undefined ? standbys : instances - 1,
    active: instances ?? slots,
    hasSessions: addresses.length === 0,
  };
}
