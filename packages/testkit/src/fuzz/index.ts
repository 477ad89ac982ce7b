// SPDX-License-Identifier: Apache-2.0
export { main } from './command.ts';
export { type FuzzOptions, type FuzzResult, fuzz } from './run.ts';
export { Finding, type FuzzTarget, TARGETS } from './targets.ts';
