// SPDX-License-Identifier: Apache-2.0
import type { CouncilView, SetView } from '@vnfpool/core/management';
import { showAge } from '../output/duration.ts';
import type { Column } from '../output/table.ts';
import { healthTone } from './tones.ts';

/** A word on each council; where there are several, with their names. */
export function ofCouncils({ councils }: SetView, word: (council: CouncilView) => string): string {
  const isNamed = councils.length > 1;
  return councils.map((council) => `${isNamed ? `${council.name} ` : ''}${word(council)}`).join(', ');
}

export const setColumns: readonly Column<SetView>[] = [
  { title: 'NAME', cell: (set) => set.name },
  { title: 'HEALTH', cell: (set) => set.health, tone: (set) => healthTone(set.health) },
  { title: 'MODE', cell: (set) => set.mode },
  { title: 'POOLS', cell: (set) => set.pools.join(',') },
  { title: 'NODES', cell: (set) => String(set.nodes.length), align: 'right' },
  {
    title: 'COUNCIL',
    cell: (set) => ofCouncils(set, ({ reachable, members }) => `${reachable}/${members.length}`),
  },
  { title: 'GENERATION', cell: (set) => String(set.generation), align: 'right' },
  { title: 'APPLIED', cell: (set, now) => `${showAge(set.appliedAt, now)} ago` },
  { title: 'MEMBERS', cell: (set) => ofCouncils(set, ({ members }) => members.join(',')), wide: true },
  { title: 'VERSION', cell: (set) => ofCouncils(set, ({ version }) => version), wide: true },
];
