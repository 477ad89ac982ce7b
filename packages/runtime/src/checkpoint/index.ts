// SPDX-License-Identifier: Apache-2.0
export { type KeptState, readCheckpoints } from './reader.ts';
export {
  CheckpointSuperseded,
  CheckpointWriter,
  type CheckpointWriterOptions,
  type WrittenCheckpoint,
} from './writer.ts';
