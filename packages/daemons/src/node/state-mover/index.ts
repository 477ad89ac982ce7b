// SPDX-License-Identifier: Apache-2.0
export { stateRule } from './state-frames.ts';
export * from './state-mover.ts';
