// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';

/** The kernel reports processor time to user space in 1/100 s on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;

/** A process that is told from another one with the same, reused number by its start time. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Start in 1/100 s since boot, `/proc/PID/stat` field 22. */
  readonly startTicks: number;
}

/** What `/proc/PID/stat` says. */
export interface ProcessStat extends ProcessIdentity {
  readonly parentPid: number;
  /** `R`, `S`, `D`, `Z`, `T`, … */
  readonly state: string;
  /** User and system time of its threads, ms. */
  readonly cpuMs: number;
}

/** Reads a process's state; undefined when there is none with this number. */
export function readProcessStat(pid: number): ProcessStat | undefined {
  let line: string;
  try {
    line = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  return parseProcessStat(line);
}

/** Parses a line of `/proc/PID/stat`; the name may hold spaces and brackets. */
export function parseProcessStat(line: string): ProcessStat | undefined {
  const nameEnd = line.lastIndexOf(')');
  // From field 3 on.
  const fields = line.slice(nameEnd + 2).split(' ');
  const pid = Number.parseInt(line, 10);
  const parentPid = Number(fields[1]);
  const cpuTicks = Number(fields[11]) + Number(fields[12]);
  const startTicks = Number(fields[19]);
  if (nameEnd < 0 || !Number.isFinite(pid + parentPid + cpuTicks + startTicks)) return undefined;
  const cpuMs = (cpuTicks * 1000) / TICKS_PER_SECOND;
  return { pid, parentPid, startTicks, state: fields[0] ?? '?', cpuMs };
}

/** Whether the very same process still runs; one that ended and was not yet collected does not. */
export function isAlive(process: ProcessIdentity): boolean {
  const stat = readProcessStat(process.pid);
  return (
    stat !== undefined && stat.startTicks === process.startTicks && stat.state !== 'Z' && stat.state !== 'X'
  );
}
