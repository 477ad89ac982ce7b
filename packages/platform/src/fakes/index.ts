// SPDX-License-Identifier: Apache-2.0
export type { AddressAction } from './addresses.ts';
export { FakeVirtualAddresses } from './addresses.ts';
export { FakeClocks } from './clocks.ts';
export { FakeFence } from './fence.ts';
export { FakeDisk } from './journal.ts';
