// SPDX-License-Identifier: Apache-2.0
export type { Grant } from './realtime.ts';
export { isRealtime, leaveRealtime, requestRealtime } from './realtime.ts';
