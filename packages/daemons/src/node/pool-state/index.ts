// SPDX-License-Identifier: Apache-2.0
export { openPoolStates } from './open.ts';
