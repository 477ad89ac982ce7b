// SPDX-License-Identifier: Apache-2.0
export type { Clocks } from '../interfaces.ts';
export { createLinuxClocks, readJiffyMs } from './clocks.ts';
