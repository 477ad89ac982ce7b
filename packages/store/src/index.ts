// SPDX-License-Identifier: Apache-2.0
export * from './counters.ts';
export * from './embedded-store.ts';
export * from './errors.ts';
export { type MemoryDisk, MemoryStore } from './memory-store.ts';
export * from './store.ts';
export * from './term-store.ts';
