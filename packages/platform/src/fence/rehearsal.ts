// SPDX-License-Identifier: Apache-2.0
import type { Clocks } from '../interfaces.ts';
import { createNftFence } from './nft.ts';

/** No link has this name: nothing is put on any, and nothing of anybody's is guarded. */
const NO_LINK = 'vnfpool-none';
const TABLE = 'vnfpool_rehearsal';
const SLOT = 'rehearsal';
const OPEN_MS = 300;

/**
 * Opens and closes a fence before nothing, so often: what a process does for the first time takes up to five times
 * as long, and a standby opens its fence for the first time in a failover.
 * @returns why that could not be; empty: it could
 */
export function rehearseFence(clocks: Clocks, turns: number): string {
  try {
    const fence = createNftFence({ interfaces: [NO_LINK], clocks, table: TABLE });
    try {
      fence.guard([{ slot: SLOT, guarded: [{ what: 'link', link: NO_LINK }] }]);
      for (let turn = 0; turn < turns; turn++) {
        fence.openUntil(new Map([[SLOT, clocks.boottimeMs() + OPEN_MS]]));
        fence.close(SLOT);
      }
    } finally {
      fence.dispose();
    }
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}
