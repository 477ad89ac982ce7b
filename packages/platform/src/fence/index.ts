// SPDX-License-Identifier: Apache-2.0
export type { Fence } from '../interfaces.ts';
export type { NftFence, NftFenceOptions } from './nft.ts';
export { createNftFence } from './nft.ts';
export type { NoFence } from './none.ts';
export { createNoFence } from './none.ts';
export type { FenceRules } from './ruleset.ts';
export { fenceRuleset } from './ruleset.ts';
