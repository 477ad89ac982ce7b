// SPDX-License-Identifier: Apache-2.0
export * from './fault-exit.ts';
export * from './parent-watch.ts';
export * from './retry.ts';
export * from './shutdown.ts';
