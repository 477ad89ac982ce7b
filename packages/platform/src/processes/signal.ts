// SPDX-License-Identifier: Apache-2.0

/** Sends a signal to a process, or with a negative number to a group. False: there is none with this number. */
export function sendSignal(pid: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}
