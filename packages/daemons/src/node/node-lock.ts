// SPDX-License-Identifier: Apache-2.0
import { type FileLock, takeLock } from '@vnfpool/platform/lock';

/** One agent a node: a kernel lock on its state folder, held for life. Off Linux there are no leases to protect. */
export function lockNode(folder: string): FileLock | null {
  return process.platform === 'linux' ? takeLock(`${folder}/agent.lock`) : null;
}
