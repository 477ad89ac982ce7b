// SPDX-License-Identifier: Apache-2.0
export type { Watch } from './readiness.ts';
export { READABLE, WRITABLE, watch } from './readiness.ts';
