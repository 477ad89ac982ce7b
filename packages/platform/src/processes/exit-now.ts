// SPDX-License-Identifier: Apache-2.0
import { libc } from '../libc/libc.ts';

/**
 * Ends this process within the call, all its threads with it: no handler runs, nothing that waits to be written is. Takes a
 * millisecond where `process.exit` first takes down every worker.
 */
export function exitNow(code: number): never {
  return libc().exit(code);
}
