// SPDX-License-Identifier: Apache-2.0
export * from './constants.ts';
export { errnoError, errnoName } from './errno.ts';
export type { Libc } from './libc.ts';
export { libc } from './libc.ts';
export type { Native, StableMemory } from './native.ts';
export { native } from './native.ts';
