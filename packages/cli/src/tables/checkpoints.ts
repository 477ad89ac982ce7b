// SPDX-License-Identifier: Apache-2.0
import { formatEpoch } from '@vnfpool/core';
import type { CheckpointView } from '@vnfpool/core/management';
import { showBytes } from '../output/amount.ts';
import { showAge } from '../output/duration.ts';
import type { Column } from '../output/table.ts';

export const checkpointColumns: readonly Column<CheckpointView>[] = [
  { title: 'SLOT', cell: ({ pool, slot, from }) => from ?? `${pool}/${slot}` },
  { title: 'EPOCH', cell: ({ epoch }) => formatEpoch(epoch), align: 'right' },
  {
    title: 'NUMBER',
    cell: ({ first, number }) => (first === number ? String(number) : `${first}-${number}`),
    align: 'right',
  },
  { title: 'KIND', cell: ({ kind }) => kind },
  {
    title: 'WRITTEN',
    cell: ({ writtenAt }, now) => (writtenAt === null ? '' : `${showAge(writtenAt, now)} ago`),
  },
  { title: 'NODE', cell: ({ node }) => node ?? '' },
  {
    title: 'UP TO UPDATE',
    cell: ({ sequence }) => (sequence === null ? '' : String(sequence)),
    align: 'right',
  },
  { title: 'SIZE', cell: ({ octets }) => showBytes(octets), align: 'right' },
  {
    title: 'STATE',
    cell: ({ damage, isRestorable }) =>
      damage === null ? (isRestorable ? 'whole, the newest restorable one' : 'whole') : `damaged: ${damage}`,
    tone: ({ damage, isRestorable }) => (damage === null ? (isRestorable ? 'good' : undefined) : 'bad'),
  },
];
