// SPDX-License-Identifier: Apache-2.0
export * from './set.ts';
export * from './upgrade.ts';
