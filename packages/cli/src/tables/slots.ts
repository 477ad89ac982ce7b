// SPDX-License-Identifier: Apache-2.0

import { formatEpoch } from '@vnfpool/core';
import type { SlotView } from '@vnfpool/core/management';
import { showAge } from '../output/duration.ts';
import { sharingCell } from '../output/sharing.ts';
import type { Column } from '../output/table.ts';

export const slotColumns: readonly Column<SlotView>[] = [
  { title: 'SLOT', cell: (slot) => `${slot.pool}/${slot.index}` },
  {
    title: 'HOLDER',
    cell: (slot) => slot.holder ?? 'nobody',
    tone: (slot) => (slot.holder === null ? 'bad' : slot.isUnheard ? 'warning' : 'good'),
  },
  { title: 'NODE', cell: (slot) => slot.node ?? '' },
  { title: 'EPOCH', cell: (slot) => formatEpoch(slot.epoch), align: 'right' },
  { title: 'STANDBYS', cell: (slot) => slot.standbys.join(',') },
  { title: 'ADDRESSES', cell: (slot) => slot.addresses.join(',') },
  {
    title: 'STATE',
    cell: ({ sharing }) => sharingCell(sharing),
    tone: ({ sharing }) =>
      !sharing
        ? undefined
        : !sharing.isProtected || (sharing.alarms ?? []).length > 0
          ? 'bad'
          : sharing.isLossy
            ? 'warning'
            : undefined,
    optional: true,
  },
  { title: 'HELD FOR', cell: (slot, now) => (slot.since === null ? '' : showAge(slot.since, now)) },
  { title: 'SLOT-ID', cell: (slot) => slot.id, wide: true },
  { title: 'LEASE', cell: (slot) => `${slot.leaseMs} ms`, wide: true },
  { title: 'REASON', cell: (slot) => slot.reason },
];
