// SPDX-License-Identifier: Apache-2.0
export * from './frame-rule.ts';
export * from './framer.ts';
