// SPDX-License-Identifier: Apache-2.0
import type { SlotCandidate, SlotState } from '@vnfpool/wire/mobility';
import type { FormerHolding, HoldingRecord } from './records.ts';

/*
 * Whom a slot was taken from is what the new holder's record says. Behind a decision without a majority no member may know it; then it
 * is who was seen to hold the slot last, by epochs, as far as nodes have told.
 */

/** Who held a slot before what a node has just told of it. */
export function formerHolding(
  known: HoldingRecord,
  told: SlotState,
  epoch: number,
  moved: boolean,
): FormerHolding | undefined {
  // Of a holding that nobody told of while it lasted.
  if (told.state === 'free' && told.holder && epoch > known.epoch) return { epoch, holder: told.holder };
  return moved && known.holder ? { epoch: known.epoch, holder: known.holder } : known.former;
}

/** Who held a slot last before this epoch, by what nodes have told; null: nobody is known. */
export function heldBefore(known: HoldingRecord | undefined, epoch: number): SlotCandidate | null {
  if (known === undefined) return null;
  // The record may come ahead of the word on the slot itself.
  if (known.holder !== null && known.epoch < epoch) return known.holder;
  return known.former !== undefined && known.former.epoch < epoch ? known.former.holder : null;
}
