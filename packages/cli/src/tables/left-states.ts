// SPDX-License-Identifier: Apache-2.0
import type { LeftStateView } from '@vnfpool/core/management';
import { showAge } from '../output/duration.ts';
import type { Column } from '../output/table.ts';

export const leftStateColumns: readonly Column<LeftStateView>[] = [
  { title: 'SLOT', cell: ({ pool, slot }) => `${pool}/${slot}` },
  { title: 'ID', cell: ({ id }) => id },
  { title: 'LEFT', cell: ({ leftAt }, now) => `${showAge(leftAt, now)} ago` },
  {
    title: 'STORES',
    cell: ({ places }) => places.map(({ store, method }) => `${store} (${method})`).join(', '),
  },
];
