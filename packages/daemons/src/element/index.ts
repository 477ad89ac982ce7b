// SPDX-License-Identifier: Apache-2.0
export type { ElementHealth } from './health.ts';
export { type RunElementOptions, type RunningElement, runElement } from './run-element.ts';
