// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { type ProcessIdentity, readProcessStat } from '../processes/stat.ts';

/**
 * The process that holds the lock on a file, as far as it can be known: the one that the file names, if it has the very
 * same file open. A number that was given again, or is of another process namespace, is nobody.
 */
export function lockHolder(path: string): ProcessIdentity | null {
  try {
    const pid = Number(readFileSync(path, 'utf8').trim());
    if (!Number.isInteger(pid) || pid < 1) return null;
    const stat = readProcessStat(pid);
    if (stat === undefined) return null;
    const file = statSync(path);
    for (const fd of readdirSync(`/proc/${pid}/fd`)) {
      if (isSame(`/proc/${pid}/fd/${fd}`, file)) return { pid, startTicks: stat.startTicks };
    }
  } catch {
    // Gone meanwhile, or not ours to look into.
  }
  return null;
}

function isSame(path: string, { dev, ino }: { readonly dev: number; readonly ino: number }): boolean {
  try {
    const stat = statSync(path);
    return stat.dev === dev && stat.ino === ino;
  } catch {
    return false;
  }
}
