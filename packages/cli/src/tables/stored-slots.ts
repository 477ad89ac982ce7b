// SPDX-License-Identifier: Apache-2.0
import type { StoredSlotView } from '@vnfpool/core/management';
import { showAge } from '../output/duration.ts';
import type { Column } from '../output/table.ts';

export const storedSlotColumns: readonly Column<StoredSlotView>[] = [
  { title: 'ID', cell: ({ id }) => id },
  { title: 'SET', cell: ({ set }) => set ?? '' },
  { title: 'SLOT', cell: ({ pool, slot }) => (pool === null ? '' : `${pool}/${slot}`) },
  { title: 'FORMAT', cell: ({ format }) => format ?? '' },
  {
    title: 'WRITTEN',
    cell: ({ writtenAt }, now) => (writtenAt === null ? '' : `${showAge(writtenAt, now)} ago`),
  },
  { title: 'KEYS', cell: ({ keys }) => (keys === null ? '' : String(keys)), align: 'right' },
  { title: 'FULL', cell: ({ full }) => String(full), align: 'right' },
  {
    title: 'STATE',
    cell: stateOf,
    tone: ({ damage, misfit }) => (damage === null && misfit === null ? undefined : 'bad'),
  },
];

function stateOf({ damage, misfit, current }: StoredSlotView): string {
  return [
    current === null ? 'of no slot of this set' : `${current} of this set`,
    ...(misfit === null ? [] : [misfit]),
    ...(damage === null ? [] : [`damaged: ${damage}`]),
  ].join('; ');
}
