// SPDX-License-Identifier: Apache-2.0
import type { InstanceView } from '@vnfpool/core/management';
import type { Tone } from '../output/paint.ts';
import type { Column } from '../output/table.ts';

export const instanceColumns: readonly Column<InstanceView>[] = [
  { title: 'NAME', cell: (it) => it.name },
  { title: 'ROLE', cell: (it) => it.role },
  { title: 'SLOT', cell: (it) => (it.slot === null ? '' : `${it.pool}/${it.slot}`) },
  {
    title: 'STATUS',
    cell: (it) => (it.healthy || it.status !== 'running' ? it.status : 'unhealthy'),
    tone: statusTone,
  },
  { title: 'NODE', cell: (it) => (it.move ? `${it.node ?? ''} → ${it.move.to}` : (it.node ?? '')) },
  {
    title: 'ADDRESS',
    cell: (it) => (it.address === null ? '' : `${it.address}${it.port === null ? '' : `:${it.port}`}`),
  },
  {
    title: 'SESSIONS',
    cell: (it) => (it.sessions === null ? '' : String(it.sessions)),
    align: 'right',
    wide: true,
  },
  { title: 'RESTARTS', cell: (it) => String(it.restarts), align: 'right' },
  { title: 'PID', cell: (it) => String(it.pid ?? ''), align: 'right', wide: true },
  { title: 'FUNCTION-ID', cell: (it) => String(it.functionId), align: 'right', wide: true },
  { title: 'REASON', cell: (it) => it.reason },
  { title: 'LAST OUTPUT', cell: (it) => it.output.at(-1) ?? '', wide: true },
];

function statusTone(it: InstanceView): Tone | undefined {
  switch (it.status) {
    case 'running':
      return it.healthy ? 'good' : 'bad';
    case 'failing':
      return 'bad';
    case 'unknown':
      return 'warning';
    case 'pending':
    case 'starting':
    case 'terminating':
      return undefined;
  }
}
