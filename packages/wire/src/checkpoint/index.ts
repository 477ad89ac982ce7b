// SPDX-License-Identifier: Apache-2.0
export { decodeCheckpoint, encodeCheckpoint } from './codec.ts';
export * from './objects.ts';
