// SPDX-License-Identifier: Apache-2.0
export type { Catalogue } from './catalogue.ts';
export * from './config.ts';
export { type RunningNodeAlone, runNodeAlone } from './node-alone.ts';
