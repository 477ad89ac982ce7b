// SPDX-License-Identifier: Apache-2.0
import { elementKey } from '../element-table.ts';
import type { RegistrarState } from '../state.ts';
import type { Download } from './download.ts';

/** Updates during one download at most; with more it is given up. */
const TOUCHED_MAX = 262_144;

export function endDownload(state: RegistrarState, download: Download): void {
  state.deadlines.clearAll(download);
  if (download.peer.download === download) download.peer.download = undefined;
}

/** What has come so far stays, and nothing is removed. */
export function failDownload(state: RegistrarState, download: Download, reason: string, nowMs: number): void {
  if (download.peer.download !== download) return;
  endDownload(state, download);
  state.counters.downloadsFailed += 1;
  // The peer may keep its session: a new request would go on in the middle of the table.
  download.peer.noDownloadBeforeMs = nowMs + 2 * state.options.tableSessionMs;
  download.failed(reason, nowMs);
}

/** An update is newer than any table that is on its way. */
export function touchDownloads(state: RegistrarState, poolHandle: Uint8Array, id: number): void {
  for (const { download } of state.scope.peers.values()) {
    if (download === undefined) continue;
    const key = elementKey(poolHandle, id);
    download.touched.add(key);
    download.marked.delete(key);
    if (download.touched.size > TOUCHED_MAX) failDownload(state, download, 'too many changes', state.nowMs);
  }
}
