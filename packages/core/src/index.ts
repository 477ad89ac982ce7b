// SPDX-License-Identifier: Apache-2.0
export type { Core, Random } from './core.ts';
export * from './identity.ts';
