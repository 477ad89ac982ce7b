// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { readEntry } from '../cgroups/process-table.ts';
import { sendSignal } from '../processes/signal.ts';

/** The number in a runtime's file; null: none yet. */
export function readPidFile(path: string): number | null {
  try {
    const text = readFileSync(path, 'utf8').trim();
    return /^[1-9]\d*$/.test(text) ? Number(text) : null;
  } catch {
    return null;
  }
}

/** Ends a command in a container, with what is in its process group. One that is gone is fine. */
export function endCommand(pidFile: string): void {
  const pid = readPidFile(pidFile);
  const entry = pid === null ? undefined : readEntry(pid);
  if (entry === undefined) return;
  // The runtime made the group; it is no longer in it.
  if (entry.processGroup > 1) sendSignal(-entry.processGroup, 'SIGKILL');
  sendSignal(entry.pid, 'SIGKILL');
}
