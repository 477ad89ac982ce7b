// SPDX-License-Identifier: Apache-2.0
import type { HandleTableResponse } from '@vnfpool/wire/enrp';
import { elementKey } from '../element-table.ts';
import type { PeerLink, PeerRegistrar } from '../peers/peer.ts';
import { sendOver } from '../peers/send.ts';
import { removeRemoteElement } from '../remote-elements.ts';
import type { RegistrarState } from '../state.ts';
import { reclaim } from '../takeover/reclaim.ts';
import { mergeElement } from '../updates/merge.ts';
import { endDownload, failDownload } from './download-end.ts';

/** Elements in one download at most; a table that has more is given up. */
const ELEMENTS_MAX = 4_000_000;

/** A table that we fetch from a peer, part by part. @see RFC 5353 §3.2.3, §3.6.3 */
export interface Download {
  readonly peer: PeerRegistrar;
  readonly link: PeerLink;
  /** W: only what the peer owns. */
  readonly ownOnly: boolean;
  /** Elements of the peer's that have not come yet: not there at the end, they are removed. */
  readonly marked: Set<string>;
  /** Elements that were updated meanwhile: that is newer than the table. */
  readonly touched: Set<string>;
  /** Elements that have come. */
  readonly seen: Set<string>;
  done(nowMs: number): void;
  failed(reason: string, nowMs: number): void;
}

/** Fetches a table; one at a time from each peer. */
export function startDownload(
  state: RegistrarState,
  peer: PeerRegistrar,
  link: PeerLink,
  how: Pick<Download, 'ownOnly' | 'done' | 'failed'>,
  nowMs: number,
): void {
  if (peer.download !== undefined) endDownload(state, peer.download);
  const marked = new Set<string>();
  if (how.ownOnly) {
    for (const { pool, element } of state.handlespace.owned(peer.id))
      marked.add(elementKey(pool.handle, element.id));
  }
  const download: Download = { peer, link, marked, touched: new Set(), seen: new Set(), ...how };
  peer.download = download;
  state.counters.downloads += 1;
  requestPart(state, download, nowMs);
}

function requestPart(state: RegistrarState, download: Download, nowMs: number): void {
  const { link, ownOnly } = download;
  sendOver(state, link, { type: 'handle-table-request', ownOnly });
  state.deadlines.set(download, 'download', nowMs + state.options.maxTimeNoResponseMs);
}

/** A part has come: what is not newer here is taken, and the next one asked for. */
export function takePart(
  state: RegistrarState,
  download: Download,
  message: HandleTableResponse,
  nowMs: number,
): void {
  if (message.rejected) {
    failDownload(state, download, 'refused', nowMs);
    return;
  }
  const { peer, link, marked, touched, seen, ownOnly } = download;
  const seenBefore = seen.size;
  for (const { poolHandle, elements } of message.pools) {
    for (const element of elements) {
      const key = elementKey(poolHandle, element.id);
      seen.add(key);
      if (touched.has(key)) continue;
      if (ownOnly && element.homeRegistrar !== peer.id) {
        state.counters.elementConflicts += 1;
        continue;
      }
      marked.delete(key);
      mergeElement(state, poolHandle, element, { peer, link, source: 'table' }, nowMs);
    }
  }
  if (!message.more) {
    removeMarked(state, download, nowMs);
    endDownload(state, download);
    download.done(nowMs);
  } else if (seen.size === seenBefore) failDownload(state, download, 'it does not come forward', nowMs);
  else if (seen.size > ELEMENTS_MAX) failDownload(state, download, 'it does not end', nowMs);
  else requestPart(state, download, nowMs);
}

/** Nobody is told: the owner has told everybody when it removed them. */
function removeMarked(state: RegistrarState, { marked, peer }: Download, nowMs: number): void {
  if (marked.size === 0) return;
  for (const { pool, element } of state.handlespace.owned(peer.id)) {
    if (!marked.has(elementKey(pool.handle, element.id))) continue;
    if (!reclaim(state, pool.handle, element, nowMs)) removeRemoteElement(state, pool.handle, element.id);
  }
}
