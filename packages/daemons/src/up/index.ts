// SPDX-License-Identifier: Apache-2.0
export { type Layout, LayoutError, layOut, layOutOnLoopback } from './layout.ts';
export { PAGE_PORT, runUp, type UpOptions } from './up.ts';
