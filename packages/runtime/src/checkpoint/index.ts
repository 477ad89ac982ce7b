// SPDX-License-Identifier: Apache-2.0
export { CheckpointSuperseded, type Claiming, claimEpoch } from './claim.ts';
export { forgetCheckpoints } from './forget.ts';
export { listCheckpoints } from './inventory.ts';
export { DamagedLabel, labelSlot, readLabel } from './label.ts';
export { isBefore, lastWritten } from './names.ts';
export { type OtherSlot, otherSlots, slotsIn } from './other-slots.ts';
export { hasEnded, type KeptState, readCheckpoints } from './reader.ts';
export { NotRestorable, type RestoredCheckpoint, readCheckpoint, restoreUnheld } from './restore.ts';
export { CheckpointWriter, type CheckpointWriterOptions, type WrittenCheckpoint } from './writer.ts';
