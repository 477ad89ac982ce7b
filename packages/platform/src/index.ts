// SPDX-License-Identifier: Apache-2.0
export type { PlatformErrorDetail } from './errors.ts';
export { isPlatformError, PlatformError } from './errors.ts';
export type {
  AddressClaim,
  AddressListener,
  AddressPlace,
  Clocks,
  Fence,
  Guarded,
  GuardedSlot,
  Journal,
  VirtualAddresses,
} from './interfaces.ts';
