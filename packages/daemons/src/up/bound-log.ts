// SPDX-License-Identifier: Apache-2.0
import { copyFileSync, statSync, truncateSync } from 'node:fs';

/** Largest log of one process; the one before it is kept as `PATH.1`. */
export const LOG_BYTES_MAX: number = 8 * 1024 * 1024;

/**
 * Starts a log anew that has outgrown its bound. It is copied and cut, not renamed: the process that writes it holds
 * it open for appending, and may be paused. What it writes between copy and cut is lost. Does nothing without a file.
 */
export function boundLog(path: string, bytesMax: number = LOG_BYTES_MAX): void {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size <= bytesMax) return;
  copyFileSync(path, `${path}.1`);
  truncateSync(path);
}
