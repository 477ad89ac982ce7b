// SPDX-License-Identifier: Apache-2.0
import { LAST_EPOCH } from '@vnfpool/core';
import type { SharedStateStore, SlotClaim } from '@vnfpool/store/shared-state';
import { markOf } from './reader.ts';
import { checkOwner } from './superseded.ts';

/** Of no node, so that whichever repeats it is the same claimant. */
const NOBODY: SlotClaim = { epoch: LAST_EPOCH, node: 0 };

/**
 * Removes what the store has of a slot that is no more, but for a claim: whoever still takes himself for its holder is refused by that,
 * from before anything is removed. May be repeated. @throws SharedStateError, SharedStateSuperseded
 */
export async function forgetSharedState(store: SharedStateStore, slot: string): Promise<void> {
  const { mark } = await store.claim(slot, NOBODY);
  // Whoever was to write all of it anew may have left some in the generation behind the one that counts.
  const generation = Math.max(markOf(mark)?.generation ?? 1, 1);
  const removed = await store.remove(slot, NOBODY, [generation, generation + 1]);
  if (removed.isRefused) checkOwner(removed, NOBODY);
}
