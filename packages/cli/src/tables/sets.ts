// SPDX-License-Identifier: Apache-2.0
import type { SetView } from '@vnfpool/core/management';
import { showAge } from '../output/duration.ts';
import type { Column } from '../output/table.ts';
import { healthTone } from './tones.ts';

export const setColumns: readonly Column<SetView>[] = [
  { title: 'NAME', cell: (set) => set.name },
  { title: 'HEALTH', cell: (set) => set.health, tone: (set) => healthTone(set.health) },
  { title: 'MODE', cell: (set) => set.mode },
  { title: 'POOLS', cell: (set) => set.pools.join(',') },
  { title: 'NODES', cell: (set) => String(set.nodes.length), align: 'right' },
  { title: 'COUNCIL', cell: (set) => `${set.council.reachable}/${set.council.members.length}` },
  { title: 'GENERATION', cell: (set) => String(set.generation), align: 'right' },
  { title: 'APPLIED', cell: (set, now) => `${showAge(set.appliedAt, now)} ago` },
  { title: 'MEMBERS', cell: (set) => set.council.members.join(','), wide: true },
  { title: 'VERSION', cell: (set) => set.council.version, wide: true },
];
