// SPDX-License-Identifier: Apache-2.0
export * from './dns-queries.ts';
export * from './dns-source.ts';
export * from './file-source.ts';
export * from './fixed-source.ts';
export * from './manager-address.ts';
export * from './manager-search.ts';
export * from './srv-order.ts';
