// SPDX-License-Identifier: Apache-2.0

const SILENT_MS = 3_000;
const EACH_PEER_MS = 500;

/**
 * After so long without a word of a peer, ms, it counts as silent, where each has so many peers: a round asks only some of them,
 * by chance, so that of many each is heard less often.
 */
export function silentAfterMs(peers: number): number {
  return SILENT_MS + peers * EACH_PEER_MS;
}
