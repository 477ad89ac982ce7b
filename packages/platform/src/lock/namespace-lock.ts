// SPDX-License-Identifier: Apache-2.0
import { isPlatformError, PlatformError } from '../errors.ts';
import { AF_UNIX, SOCK_CLOEXEC, SOCK_DGRAM } from '../libc/constants.ts';
import { libc } from '../libc/libc.ts';

/** A lock on something that a network namespace has once. */
export interface NamespaceLock {
  release(): void;
}

const NAME_BYTES_MAX = 100;

/**
 * Takes a lock in the network namespace of the calling thread: an abstract Unix socket, which has its name there and
 * nowhere in the file system. The kernel lets go of it when the process ends, however it ends.
 * @throws PlatformError `LOCKED`
 */
export function lockInNamespace(name: string): NamespaceLock {
  const bytes = new TextEncoder().encode(name);
  if (bytes.length === 0 || bytes.length > NAME_BYTES_MAX) {
    throw new PlatformError('BAD_ARGUMENT', `a lock's name of ${bytes.length} octets`, { call: 'bind' });
  }
  // struct sockaddr_un: the family, then a zero in front of an abstract name.
  const address = new Uint8Array(3 + bytes.length);
  address[0] = AF_UNIX;
  address.set(bytes, 3);
  const system = libc();
  const fd = system.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  try {
    system.bind(fd, address);
  } catch (error) {
    system.close(fd);
    if (!isPlatformError(error, 'EADDRINUSE')) throw error;
    const message = `another process of this network namespace has ${name}`;
    throw new PlatformError('LOCKED', message, { call: 'bind', errno: error.errno, cause: error });
  }
  let released = false;
  return {
    release: () => {
      if (released) return;
      released = true;
      system.close(fd);
    },
  };
}
