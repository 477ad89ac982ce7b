// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { libc } from '../libc/libc.ts';
import { native } from '../libc/native.ts';
import { READABLE, watch } from '../readiness/readiness.ts';
import type { ProgramExit } from './start.ts';
import { isAlive, type ProcessIdentity, readProcessStat } from './stat.ts';

/*
 * The end of a process that is not our child: a pidfd is readable from then on. How it ended a parent alone is told, but
 * two places show it to others: /proc while the process waits for its parent, and the pidfd itself behind that.
 */

/** Numbers of the ABI, the same on every architecture that Node runs on. */
const PIDFD_OPEN = 434;
/** `_IOWR(0xff, 11, struct pidfd_info)` with the 64 octets that 6.13 began with. */
const PIDFD_GET_INFO = 0xc040ff0b;
const INFO_BYTES = 64;
const INFO_EXIT_CODE = 60;
/** Linux 6.15. */
const PIDFD_INFO_EXIT = 8n;
/** In /proc/PID/stat behind the name: field 52. */
const EXIT_CODE_PLACE = 49;
/** `struct pollfd` */
const POLLFD_BYTES = 8;
const POLLIN = 1;
/** Where there is no pidfd: how often it is looked. */
const LOOK_MS = 100;

const UNKNOWN: ProgramExit = { status: null, signal: null };

/**
 * Calls `gone` once when a process ends that may be anybody's, also when it has ended already; never at once.
 * @param gone gets status and signal null where nobody can tell how it ended
 * @returns how to stop watching
 */
export function watchExit(process: ProcessIdentity, gone: (exit: ProgramExit) => void): () => void {
  return watchFor(process, (fd) => gone(exitOf(process, fd)));
}

/** {@link watchExit} for those who do not ask how: it takes longer to find that out than that it has ended. */
export function watchEnd(process: ProcessIdentity, ended: () => void): () => void {
  return watchFor(process, ended);
}

/** @param ended gets the pidfd, which is closed when it returns */
function watchFor(process: ProcessIdentity, ended: (fd: number | null) => void): () => void {
  const fd = openPidfd(process.pid);
  let over = false;
  let stopWaiting = (): void => undefined;
  const end = (body: () => void): void => {
    if (over) return;
    over = true;
    stopWaiting();
    try {
      body();
    } finally {
      if (fd !== null) libc().close(fd);
    }
  };
  const tell = (): void => end(() => ended(fd));
  // Behind the opening of the pidfd: it is of this very process, or of another one that has its number now.
  if (!isAlive(process)) {
    const soon = setImmediate(tell);
    stopWaiting = () => clearImmediate(soon);
  } else if (fd === null) {
    const timer = setInterval(() => {
      if (!isAlive(process)) tell();
    }, LOOK_MS);
    stopWaiting = () => clearInterval(timer);
  } else {
    const waiting = watch(fd, () => {
      if (isReadable(fd)) tell();
    });
    stopWaiting = () => waiting.end();
    waiting.want(READABLE);
  }
  return () => end(() => undefined);
}

/** Whether the process of a pidfd has ended; what wakes us may have been another descriptor's. */
function isReadable(fd: number): boolean {
  const asked = new Uint8Array(POLLFD_BYTES);
  const view = new DataView(asked.buffer);
  view.setInt32(0, fd, true);
  view.setInt16(4, POLLIN, true);
  return native().attempt('int poll(void *, unsigned long, int)', asked, 1, 0) > 0;
}

/** Null: there is no such process, or the kernel (before 5.3) or this system has no pidfd. */
function openPidfd(pid: number): number | null {
  try {
    const fd = native().attempt('long syscall(long, int, unsigned int)', PIDFD_OPEN, pid, 0);
    return fd < 0 ? null : fd;
  } catch {
    return null;
  }
}

function exitOf(process: ProcessIdentity, fd: number | null): ProgramExit {
  const code = waitingExitCode(process) ?? (fd === null ? null : collectedExitCode(fd));
  if (code === null) return UNKNOWN;
  const number = code & 0x7f;
  if (number === 0) return { status: (code >> 8) & 0xff, signal: null };
  const [signal] = Object.entries(constants.signals).find(([, value]) => value === number) ?? [];
  return { status: null, signal: signal ?? `signal ${number}` };
}

/** Of a process that its parent has not collected yet. */
function waitingExitCode({ pid, startTicks }: ProcessIdentity): number | null {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const stat = readProcessStat(pid);
    if (stat?.startTicks !== startTicks || stat.state !== 'Z') return null;
    const code = Number(line.slice(line.lastIndexOf(')') + 2).split(' ')[EXIT_CODE_PLACE]);
    return Number.isInteger(code) ? code : null;
  } catch {
    return null;
  }
}

function collectedExitCode(fd: number): number | null {
  const info = new Uint8Array(INFO_BYTES);
  const view = new DataView(info.buffer);
  view.setBigUint64(0, PIDFD_INFO_EXIT, true);
  if (native().attempt('int ioctl(int, unsigned long, void *)', fd, PIDFD_GET_INFO, info) < 0) return null;
  return (view.getBigUint64(0, true) & PIDFD_INFO_EXIT) === 0n ? null : view.getInt32(INFO_EXIT_CODE, true);
}
