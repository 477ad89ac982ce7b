// SPDX-License-Identifier: Apache-2.0
import { type DeclaredUpgrade, UPGRADE_DEFAULT } from '@vnfpool/core/declared';
import { z } from 'zod';
import type { Finding } from './checks.ts';
import { duration, formatDuration } from './duration.ts';
import { count } from './words.ts';

export interface UpgradeFile {
  readonly batch: number;
  readonly gate: number;
  readonly deadline: number;
  readonly onFailure: 'stop' | 'rollback';
  readonly surplus: boolean;
}

const { batch, gateMs, deadlineMs, onFailure, surplus } = UPGRADE_DEFAULT;

export const upgradeSchema: z.ZodType<UpgradeFile> = z.strictObject({
  batch: count(1, 64)
    .default(batch)
    .meta({ description: 'Instances that are replaced, or prove themselves, at a time.' }),
  gate: duration(0, 3_600_000).prefault(formatDuration(gateMs)).meta({
    description: 'An instance must be healthy without a break for so long before the next one is replaced.',
  }),
  deadline: duration(100, 86_400_000).prefault(formatDuration(deadlineMs)).meta({
    description: 'An instance that has not passed its gate so long after its turn has failed.',
  }),
  onFailure: z.enum(['stop', 'rollback']).default(onFailure).meta({
    description:
      'What follows when an instance fails: `stop` leaves everything as it is then, `rollback` brings the former version back to those that were replaced.',
  }),
  surplus: z.boolean('must be true or false').default(surplus).meta({
    description:
      'A pool without standbys and spares gets one instance more meanwhile, where a node is free, so that slots are handed over and not interrupted.',
  }),
});

export function normalUpgrade({ batch, gate, deadline, onFailure, surplus }: UpgradeFile): DeclaredUpgrade {
  return { batch, gateMs: gate, deadlineMs: deadline, onFailure, surplus };
}

/** A deadline that no instance could keep. */
export function checkUpgrade(
  at: readonly PropertyKey[],
  upgrade: UpgradeFile | undefined,
  graceMs: number,
): Finding[] {
  if (upgrade === undefined || upgrade.deadline > upgrade.gate + graceMs) return [];
  const { gate } = upgrade;
  return [
    {
      path: [...at, 'deadline'],
      message: `must be longer than gate (${formatDuration(gate)}) and stop.grace (${formatDuration(graceMs)}) together`,
    },
  ];
}
