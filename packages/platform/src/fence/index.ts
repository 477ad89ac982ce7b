// SPDX-License-Identifier: Apache-2.0
export type { Fence, Guarded, GuardedSlot } from '../interfaces.ts';
export type { BpfFence, FenceOptions, PreparedFence } from './bpf.ts';
export { createFence, prepareFence } from './bpf.ts';
export { BpfGate } from './bpf-gate.ts';
export { FencePrograms } from './bpf-programs.ts';
export type { FenceHandedOn, FenceRecord } from './first-table.ts';
export type { GuardedTable } from './guarded.ts';
export { tableOf } from './guarded.ts';
export type { HorizonId, Horizons } from './horizons.ts';
export { horizonOf, leave, NO_HORIZONS, renew } from './horizons.ts';
export type { NftFence, NftFenceOptions } from './nft.ts';
export { createNftFence } from './nft.ts';
export type { NoFence } from './none.ts';
export { createNoFence } from './none.ts';
export { rehearseFence } from './rehearsal.ts';
