// SPDX-License-Identifier: Apache-2.0
import { PlatformError } from '../errors.ts';
import { native } from './native.ts';

/**
 * The system calls that this package needs and Node does not offer. Every call is synchronous and throws a
 * {@link PlatformError} with the errno's name. Structures are passed as bytes in the host's order; only 64-bit
 * little-endian hosts are supported.
 */
export interface Libc {
  /** Reads a clock into [seconds, nanoseconds]. */
  clockGetTime(clock: number, into: BigInt64Array): void;
  clockGetResolution(clock: number, into: BigInt64Array): void;
  /** Returns the descriptor. */
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: Uint8Array): void;
  /** Returns the bytes sent. */
  sendTo(fd: number, data: Uint8Array, flags: number, address: Uint8Array): number;
  /** Returns the bytes received into `into`. */
  receive(fd: number, into: Uint8Array, flags: number): number;
  setSocketOption(fd: number, level: number, name: number, value: Uint8Array): void;
  close(fd: number): void;
  /** Ends the process here and now: nothing else of it runs any more. */
  exit(code: number): never;
  /** Puts the calling thread into a namespace. */
  setNamespace(fd: number, kind: number): void;
  /** Gives the calling thread namespaces of its own. */
  unshare(flags: number): void;
  lockFile(fd: number, operation: number): void;
  /** `task` 0 is the calling thread. */
  setScheduler(task: number, policy: number, priority: number): void;
  getScheduler(task: number): number;
}

let loaded: Libc | undefined;

/**
 * Loads libc on first use; every thread has its own binding.
 * @throws PlatformError `UNSUPPORTED` on other systems than 64-bit Linux.
 */
export function libc(): Libc {
  loaded ??= load();
  return loaded;
}

function load(): Libc {
  const { call } = native();
  return {
    clockGetTime: (clock, into) => {
      call('clock_gettime', 'int clock_gettime(int, void *)', clock, into);
    },
    clockGetResolution: (clock, into) => {
      call('clock_getres', 'int clock_getres(int, void *)', clock, into);
    },
    socket: (domain, type, protocol) => call('socket', 'int socket(int, int, int)', domain, type, protocol),
    bind: (fd, address) => {
      call('bind', 'int bind(int, const void *, uint32_t)', fd, address, address.length);
    },
    sendTo: (fd, data, flags, address) =>
      call(
        'sendto',
        'long sendto(int, const void *, size_t, int, const void *, uint32_t)',
        fd,
        data,
        data.length,
        flags,
        address,
        address.length,
      ),
    receive: (fd, into, flags) =>
      call('recv', 'long recv(int, void *, size_t, int)', fd, into, into.length, flags),
    setSocketOption: (fd, level, name, value) => {
      const signature = 'int setsockopt(int, int, int, const void *, uint32_t)';
      call('setsockopt', signature, fd, level, name, value, value.length);
    },
    close: (fd) => {
      call('close', 'int close(int)', fd);
    },
    exit: (code) => {
      call('_exit', 'int _exit(int)', code);
      throw new PlatformError('UNSUPPORTED', 'the process does not end', { call: '_exit' });
    },
    setNamespace: (fd, kind) => {
      call('setns', 'int setns(int, int)', fd, kind);
    },
    unshare: (flags) => {
      call('unshare', 'int unshare(int)', flags);
    },
    lockFile: (fd, operation) => {
      call('flock', 'int flock(int, int)', fd, operation);
    },
    setScheduler: (task, policy, priority) => {
      const parameter = new Int32Array([priority]);
      call('sched_setscheduler', 'int sched_setscheduler(int, int, const void *)', task, policy, parameter);
    },
    getScheduler: (task) => call('sched_getscheduler', 'int sched_getscheduler(int)', task),
  };
}
