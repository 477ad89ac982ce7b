// SPDX-License-Identifier: Apache-2.0
import type { ElementView, HandlespaceView, PeerView } from '@vnfpool/daemons/registrar';
import { showDuration } from '../output/duration.ts';
import type { Tone } from '../output/paint.ts';
import type { Column } from '../output/table.ts';
import { showPolicyValues } from './found.ts';

export type Pool = HandlespaceView['pools'][number];

/** An element with its pool. */
export interface Member {
  readonly pool: Pool;
  readonly element: ElementView;
}

export const peerColumns: readonly Column<PeerView>[] = [
  { title: 'PEER', cell: (peer) => peer.id },
  { title: 'STATE', cell: (peer) => peer.state, tone: peerTone },
  {
    title: 'HEARD',
    cell: (peer) => (peer.silentMs === null ? 'never' : `${showDuration(peer.silentMs)} ago`),
  },
  { title: 'ELEMENTS', cell: (peer) => String(peer.elements), align: 'right' },
  { title: 'CHECKSUM', cell: ({ checksum }) => checksum.told ?? '', tone: checksumTone },
  { title: 'OURS', cell: ({ checksum }) => checksum.computed, tone: checksumTone },
  { title: 'ENDPOINT', cell: (peer) => peer.endpoint ?? '' },
  { title: 'CONNECTED', cell: (peer) => (peer.connected ? 'yes' : 'no') },
  {
    title: 'DISTANCE',
    cell: (peer) => (peer.distanceMs === null ? '' : showDuration(peer.distanceMs)),
    wide: true,
  },
];

export const memberColumns: readonly Column<Member>[] = [
  { title: 'POOL', cell: ({ pool }) => pool.name },
  { title: 'POLICY', cell: ({ pool }) => pool.policy },
  { title: 'ELEMENT', cell: ({ element }) => element.id },
  { title: 'VALUES', cell: ({ element }) => showPolicyValues(element.policy) },
  { title: 'REACHED AT', cell: ({ element }) => reachedAt(element) },
  { title: 'HOME', cell: ({ element }) => element.homeRegistrar },
  {
    title: 'LIFE',
    cell: ({ element }) => (element.lifeLeftMs === null ? '' : showDuration(element.lifeLeftMs)),
    align: 'right',
  },
  { title: 'REPORTS', cell: ({ element }) => String(element.badReports), align: 'right', wide: true },
  { title: 'IDENTITY', cell: ({ element }) => element.owner ?? '', wide: true },
  { title: 'HEARD', cell: ({ element }) => `${showDuration(element.silentMs)} ago`, wide: true },
];

function reachedAt({ transport, addresses, port }: ElementView): string {
  const hosts = addresses.map((address) => (address.includes(':') ? `[${address}]` : address)).join(',');
  return `${transport}://${hosts}${port === null ? '' : `:${port}`}`;
}

function peerTone({ state }: PeerView): Tone {
  return state === 'active' ? 'good' : state === 'suspect' ? 'warning' : 'bad';
}

function checksumTone({ checksum }: PeerView): Tone | undefined {
  return checksum.told === null || checksum.told === checksum.computed ? undefined : 'warning';
}
