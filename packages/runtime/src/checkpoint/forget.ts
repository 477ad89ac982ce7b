// SPDX-License-Identifier: Apache-2.0
import { LAST_EPOCH } from '@vnfpool/core';
import type { ObjectStore } from '@vnfpool/store/objects';
import { claimEpoch } from './claim.ts';
import { labelsOf } from './label.ts';
import { objectsOf } from './names.ts';

/**
 * Removes what the store has of a slot that is no more, but for a claim: whoever still takes himself for its holder finds that before his
 * next checkpoint. One that he writes just then stays, and counts for nothing; repeated, this removes it. @throws ObjectStoreError
 */
export async function forgetCheckpoints(
  objects: ObjectStore,
  slot: string,
  wallMs: () => number,
): Promise<void> {
  // Of no node, so that whichever repeats it is the same claimant.
  await claimEpoch({ objects, slot, epoch: LAST_EPOCH, node: 0, wallMs });
  const names = await objects.list(slot);
  const found = [...objectsOf(names), ...labelsOf(names)];
  await objects.remove(
    slot,
    found.filter(({ epoch }) => epoch < LAST_EPOCH).map(({ name }) => name),
  );
}
