// SPDX-License-Identifier: Apache-2.0

/**
 * Milliseconds of the machine's monotonic clock, the same in all processes here. Node counts `performance.now()` from the start of each
 * process, and what lies between the two cannot be had exactly: a process may stand still while it asks for both.
 */
export function machineMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}
