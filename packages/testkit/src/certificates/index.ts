// SPDX-License-Identifier: Apache-2.0

export * from './test-manager.ts';
export * from './test-set.ts';
