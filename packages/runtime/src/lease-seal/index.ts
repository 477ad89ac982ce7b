// SPDX-License-Identifier: Apache-2.0
export * from './lease-key.ts';
export * from './lease-seal.ts';
