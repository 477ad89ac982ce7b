// SPDX-License-Identifier: Apache-2.0
export type { VirtualAddresses } from '../interfaces.ts';
export { announceAllAddresses } from './announce.ts';
export { announcementFrame } from './arp.ts';
export { type CarrierListener, CarrierWatch } from './carrier-watch.ts';
export type { LinkAddressListener } from './link-address.ts';
export { LinkAddress } from './link-address.ts';
export type { LinuxVirtualAddresses, VirtualAddressesOptions } from './linux.ts';
export { createVirtualAddresses } from './linux.ts';
