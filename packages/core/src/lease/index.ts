// SPDX-License-Identifier: Apache-2.0
export * from './record.ts';
export * from './types.ts';
