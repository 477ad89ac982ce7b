// SPDX-License-Identifier: Apache-2.0
export { MemoryNetwork, type MemoryTransportOptions } from './memory-network.ts';
