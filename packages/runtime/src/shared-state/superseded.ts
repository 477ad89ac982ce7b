// SPDX-License-Identifier: Apache-2.0
import type { SlotClaim, SlotHead } from '@vnfpool/store/shared-state';

/** Somebody else has claimed the slot in the store, which takes nothing more from this holder. */
export class SharedStateSuperseded extends Error {
  override readonly name = 'SharedStateSuperseded';
  readonly epoch: number;

  constructor({ epoch }: SlotClaim, later: number) {
    super(
      later > epoch
        ? `epoch ${later} of the slot was claimed in the store: epoch ${epoch} writes no more`
        : `somebody else writes under epoch ${epoch} of the slot`,
    );
    this.epoch = later;
  }
}

/** @param head what a store refuses with @throws SharedStateSuperseded unless nobody has the slot, or an earlier holder */
export function checkOwner({ claim: other }: SlotHead, claim: SlotClaim): void {
  if (other === null || other.epoch < claim.epoch) return;
  if (other.epoch > claim.epoch || other.node !== claim.node)
    throw new SharedStateSuperseded(claim, other.epoch);
}
