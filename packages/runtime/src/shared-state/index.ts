// SPDX-License-Identifier: Apache-2.0
export { forgetSharedState } from './forget.ts';
export { hasSharedStateEnded, type StoredState, takeSharedState } from './reader.ts';
export { SharedStateSuperseded } from './superseded.ts';
export { SharedStateWriter, type SharedStateWriterOptions } from './writer.ts';
