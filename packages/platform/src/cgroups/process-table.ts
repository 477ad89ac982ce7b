// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs';

/** One process, as far as groups need it. */
export interface TableEntry {
  readonly pid: number;
  readonly parentPid: number;
  /** Numbers of its process group and session. */
  readonly processGroup: number;
  readonly session: number;
  readonly state: string;
  /** Own processor time and that of children it has collected, ms. */
  readonly cpuMs: number;
  readonly threads: number;
  readonly startTicks: number;
}

/** The kernel reports processor time to user space in 1/100 s on every architecture that Node runs on. */
const MS_PER_TICK = 10;
/** Threads looked at for one figure of waiting ones. */
const THREADS_MAX = 4_096;

/** Every process that is there; empty where there is no /proc. */
export function readProcessTable(): TableEntry[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((pid) => readEntry(Number(pid)) ?? []);
  } catch {
    return [];
  }
}

export function readEntry(pid: number): TableEntry | undefined {
  const line = readOr(`/proc/${pid}/stat`);
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  if (fields.length < 20) return undefined;
  const at = (place: number): number => Number(fields[place]);
  return {
    pid,
    state: fields[0] ?? '?',
    parentPid: at(1),
    processGroup: at(2),
    session: at(3),
    cpuMs: (at(11) + at(12) + at(13) + at(14)) * MS_PER_TICK,
    threads: at(17),
    startTicks: at(19),
  };
}

/** Whether all of these were stopped, by a signal or a tracer. */
export function areStopped(pids: readonly number[]): boolean {
  const entries = pids.flatMap((pid) => readEntry(pid) ?? []);
  return entries.length > 0 && entries.every(({ state }) => state === 'T' || state === 't');
}

/** Resident memory of a process, octets; what it shares with others is counted whole. */
export function residentBytes(pid: number): number {
  const [, kibibytes = '0'] = /^VmRSS:\s+(\d+) kB/m.exec(readOr(`/proc/${pid}/status`)) ?? [];
  return Number(kibibytes) * 1024;
}

/** Threads of these processes that run, or wait for a processor or a disk, now. */
export function countWaiting(pids: readonly number[]): number {
  let waiting = 0;
  let left = THREADS_MAX;
  for (const pid of pids) {
    let threads: string[];
    try {
      threads = readdirSync(`/proc/${pid}/task`);
    } catch {
      continue;
    }
    for (const thread of threads) {
      if (left-- <= 0) return waiting;
      const line = readOr(`/proc/${pid}/task/${thread}/stat`);
      const state = line[line.lastIndexOf(')') + 2];
      if (state === 'R' || state === 'D') waiting += 1;
    }
  }
  return waiting;
}

/** Whether a process was started with this variable in its environment. */
export function hasVariable(pid: number, variable: string): boolean {
  return readOr(`/proc/${pid}/environ`).split('\0').includes(variable);
}

/** A variable of the environment with which a process was started. */
export function variableOf(pid: number, name: string): string | undefined {
  const prefix = `${name}=`;
  return readOr(`/proc/${pid}/environ`)
    .split('\0')
    .find((entry) => entry.startsWith(prefix))
    ?.slice(prefix.length);
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
