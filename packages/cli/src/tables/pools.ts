// SPDX-License-Identifier: Apache-2.0
import type { PoolView } from '@vnfpool/core/management';
import { mergedCell } from '../output/sharing.ts';
import type { Column } from '../output/table.ts';
import { healthTone } from './tones.ts';

export const poolColumns: readonly Column<PoolView>[] = [
  { title: 'NAME', cell: (pool) => pool.name },
  { title: 'HEALTH', cell: (pool) => pool.health, tone: (pool) => healthTone(pool.health) },
  { title: 'SLOTS', cell: (pool) => `${pool.slotsHeld}/${pool.slots}` },
  { title: 'STANDBYS', cell: (pool) => `${pool.standbysReady}/${pool.standbys}` },
  { title: 'SPARES', cell: (pool) => `${pool.sparesReady}/${pool.spares}` },
  { title: 'POLICY', cell: (pool) => pool.policy },
  { title: 'ADDRESSES', cell: (pool) => pool.addresses.join(',') },
  {
    title: 'STATE',
    cell: ({ sharing }) => (sharing ? `${sharing.method ?? 'refused'}, loses ${sharing.loses}` : ''),
    tone: ({ sharing }) => (sharing?.method === null ? 'bad' : undefined),
    optional: true,
  },
  {
    title: 'LEVEL',
    cell: ({ sharing }) => sharing?.level ?? '',
    wide: true,
    optional: true,
  },
  {
    title: 'SPREAD',
    cell: ({ sharing }) => (sharing ? mergedCell(sharing) : ''),
    tone: ({ sharing }) =>
      sharing?.merged?.some(
        ({ trouble, peers }) =>
          trouble !== '' || peers.some(({ isSilent, digests }) => isSilent || digests?.isDiffering === true),
      )
        ? 'bad'
        : undefined,
    optional: true,
  },
  { title: 'SET', cell: (pool) => pool.set, wide: true },
  { title: 'PORT', cell: (pool) => String(pool.port ?? ''), wide: true },
  { title: 'LEASE', cell: (pool) => `${pool.leaseMs} ms`, wide: true },
  { title: 'REASON', cell: (pool) => pool.reason },
];
