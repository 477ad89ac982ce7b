// SPDX-License-Identifier: Apache-2.0
import type { DeclaredPool } from '@vnfpool/core/declared';
import {
  describeOutage,
  FAILOVER_PROFILES,
  LEASE_MS_MIN,
  leaseWithin,
  OUTAGE_MS_MIN,
} from '@vnfpool/core/lease';
import type { Finding } from './checks.ts';
import { formatDuration } from './duration.ts';
import type { PoolFile } from './schema.ts';

const WAYS = ['profile', 'within', 'lease'] as const;

/** One way to say it, and a target that can be met. Paths are relative to `failover`. */
export function checkFailover(failover: PoolFile['failover']): Finding[] {
  const given = WAYS.filter((key) => failover[key] !== undefined);
  const { within } = failover;
  if (given.length > 1) {
    return [{ path: [given[1] as string], message: `give one of ${given.join(' and ')}, not both` }];
  }
  if (within === undefined || leaseWithin(within) !== undefined) return [];
  const least = formatDuration(Math.ceil(OUTAGE_MS_MIN));
  return [
    {
      path: ['within'],
      message: `cannot be met: a dead node is replaced within ${least} at the least (${describeOutage(LEASE_MS_MIN)}); ask for ${least} or more`,
    },
  ];
}

/** The lease that profile or target stand for. The target is kept, so that plans and explanations can name it. */
export function normalFailover({ profile, within, lease }: PoolFile['failover']): DeclaredPool['failover'] {
  if (within !== undefined) return { leaseMs: leaseWithin(within) ?? LEASE_MS_MIN, withinMs: within };
  return { leaseMs: lease ?? FAILOVER_PROFILES[profile ?? 'normal'] };
}
