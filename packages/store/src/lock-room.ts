// SPDX-License-Identifier: Apache-2.0
import { closeSync, constants, fstatSync, fsyncSync, openSync, writeSync } from 'node:fs';

/** Whole pages: what LMDB maps for its readers, and more. */
const LOCK_BYTES = 16_384;
const PAGE_BYTES = 4_096;
/** Octets of a block that `stat` counts in. */
const BLOCK_BYTES = 512;

/**
 * Gives LMDB's lock file room on the disk before it is mapped. LMDB makes it as one large hole; on a full disk a hole cannot
 * be filled, and the kernel ends the process that touches it (SIGBUS).
 *
 * What is there already is not touched: behind the first page there are only slots of readers, and the store has one.
 * @throws Error of the system, `ENOSPC` among them
 */
export function makeLockRoom(path: string): void {
  const file = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  try {
    const { size, blocks } = fstatSync(file);
    const isWhole = size >= LOCK_BYTES && blocks * BLOCK_BYTES >= LOCK_BYTES;
    if (isWhole) return;
    const from = size === 0 ? 0 : PAGE_BYTES;
    const zeros = new Uint8Array(LOCK_BYTES - from);
    for (let at = 0; at < zeros.length; ) at += writeSync(file, zeros, at, zeros.length - at, from + at);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
