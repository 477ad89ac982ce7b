// SPDX-License-Identifier: Apache-2.0
import { getSystemErrorName } from 'node:util';
import { PlatformError } from '../errors.ts';

/** The name of a positive errno, `EPERM` for 1; `E<number>` when libuv does not know it. */
export function errnoName(errno: number): string {
  // ERESTART never leaves the kernel in a system call, but nfnetlink puts it into acknowledgements.
  if (errno === 85) return 'ERESTART';
  // libuv says ENOTSUP, as POSIX lets the two be one.
  if (errno === 95) return 'EOPNOTSUPP';
  try {
    const name = getSystemErrorName(-errno);
    return name.startsWith('E') ? name : `E${errno}`;
  } catch {
    return `E${errno}`;
  }
}

/** The typed error for a failed call. */
export function errnoError(call: string, errno: number, about = ''): PlatformError {
  const code = errnoName(errno);
  return new PlatformError(code, `${call}${about === '' ? '' : ` ${about}`}: ${code} (errno ${errno})`, {
    call,
    errno,
  });
}
