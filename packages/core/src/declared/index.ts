// SPDX-License-Identifier: Apache-2.0

export * from './detection.ts';
export * from './set.ts';
export type * from './sharing.ts';
export * from './store-address.ts';
export * from './upgrade.ts';
