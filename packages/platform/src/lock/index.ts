// SPDX-License-Identifier: Apache-2.0
export { lockHolder } from './holder.ts';
export type { FileLock } from './lock.ts';
export { takeLock } from './lock.ts';
export type { NamespaceLock } from './namespace-lock.ts';
export { lockInNamespace } from './namespace-lock.ts';
