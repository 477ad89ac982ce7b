// SPDX-License-Identifier: Apache-2.0
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { isPlatformError, PlatformError } from '../errors.ts';
import { LOCK_EX, LOCK_NB } from '../libc/constants.ts';
import { libc } from '../libc/libc.ts';

/** A kernel lock on a file; the kernel lets go of it when the process ends, however it ends. */
export interface FileLock {
  readonly path: string;
  release(): void;
}

/**
 * Takes the exclusive lock on a file, which is made when missing and never removed; it holds the pid for people.
 * Take it on the main thread: Node closes a worker's files when the worker ends.
 * @throws PlatformError `LOCKED`, with the pid of the holder in the message
 */
export function takeLock(path: string): FileLock {
  const fd = openSync(path, 'a+', 0o600);
  try {
    libc().lockFile(fd, LOCK_EX | LOCK_NB);
    ftruncateSync(fd);
    writeSync(fd, `${process.pid}\n`);
  } catch (error) {
    closeSync(fd);
    if (!isPlatformError(error, 'EAGAIN', 'EWOULDBLOCK')) throw error;
    const holder = readFileSync(path, 'utf8').trim();
    const message = `${path} is locked${holder === '' ? '' : ` by process ${holder}`}`;
    throw new PlatformError('LOCKED', message, { call: 'flock', errno: error.errno, cause: error });
  }
  let released = false;
  return {
    path,
    release: () => {
      if (released) return;
      released = true;
      closeSync(fd);
    },
  };
}
