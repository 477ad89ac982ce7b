// SPDX-License-Identifier: Apache-2.0
import { epochOf } from '@vnfpool/core';
import type { HandedOnLeases, LeaseRecord } from '@vnfpool/core/lease';
import type { FenceEnd } from './fence-model.ts';

/** What a process of a node leaves for the next one, to go on as the same incarnation. */
export interface Marker {
  readonly handedOn: HandedOnLeases;
  readonly incarnation: bigint;
}

/** What the next process opens the fence for at its start: what was open. */
export function fenceEndsOf({ slots }: HandedOnLeases, disk: readonly LeaseRecord[]): Map<string, FenceEnd> {
  const council = disk.findLast((record) => record.type === 'council');
  const generation = council?.version.generation ?? 0;
  return new Map(
    slots.flatMap(({ definition, hold }) =>
      hold === null
        ? []
        : [[definition.id, { epoch: epochOf(generation, hold.round), untilBootMs: hold.leaseUntilMs }]],
    ),
  );
}
