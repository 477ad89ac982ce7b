// SPDX-License-Identifier: Apache-2.0
import type { NodeView } from '@vnfpool/core/management';
import { showAge } from '../output/duration.ts';
import type { Tone } from '../output/paint.ts';
import type { Column } from '../output/table.ts';

export const nodeColumns: readonly Column<NodeView>[] = [
  { title: 'NAME', cell: (node) => node.name },
  {
    title: 'STATUS',
    cell: (node) =>
      [
        node.status,
        // Of one that is not heard it is not known.
        ...(node.muteMs > 0 && node.status === 'registered' ? ['mute'] : []),
        ...(node.maintenance ? ['maintenance'] : []),
        ...(node.drain ? [node.drain.isOver ? 'drained' : 'draining'] : []),
      ].join(', '),
    tone: statusTone,
  },
  { title: 'ADDRESS', cell: (node) => node.address ?? '' },
  { title: 'COUNCIL', cell: (node) => (node.council ? 'yes' : 'no') },
  { title: 'FENCE', cell: (node) => node.fence },
  { title: 'FUNCTIONS', cell: (node) => node.functions.join(',') },
  {
    title: 'HEARD',
    cell: (node, now) => (node.lastHeardAt === null ? 'never' : `${showAge(node.lastHeardAt, now)} ago`),
  },
  { title: 'NODE-ID', cell: (node) => String(node.nodeId), align: 'right', wide: true },
  { title: 'MUTE', cell: (node) => `${node.muteMs} ms`, wide: true },
  {
    title: 'STALLS',
    cell: ({ stalls }) => (stalls ? `${stalls.maxMs} ms, 99% ${stalls.p99Ms} ms` : ''),
    wide: true,
  },
  { title: 'VERSION', cell: (node) => node.version, wide: true },
  { title: 'REASON', cell: (node) => node.reason },
];

function statusTone(node: NodeView): Tone | undefined {
  switch (node.status) {
    case 'registered':
      return 'good';
    case 'suspect':
      return 'warning';
    case 'lost':
      return node.maintenance ? 'warning' : 'bad';
    case 'absent':
      return undefined;
  }
}
