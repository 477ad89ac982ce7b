// SPDX-License-Identifier: Apache-2.0
export { type Ranked, RankHeap } from './rank-heap.ts';
