// SPDX-License-Identifier: Apache-2.0
import { Socket } from 'node:net';
import { PlatformError } from '../errors.ts';
import { AF_UNIX, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM } from '../libc/constants.ts';
import { libc } from '../libc/libc.ts';
import { native } from '../libc/native.ts';

interface PipeHandle {
  open(fd: number): number;
}

/**
 * Lets Node's event loop read a descriptor that `net.Socket` does not take, such as an eventfd.
 *
 * Node guesses what a descriptor is and refuses the unknown; the class of its own pipe handles does not. We
 * take that class from a socket of the kind it does know. Tried on Node 20, 22, 24.
 * @throws PlatformError `UNSUPPORTED` when this Node keeps its handles elsewhere
 */
export function readDescriptor(fd: number): Socket {
  const pair = new Int32Array(2);
  const signature = 'int socketpair(int, int, int, void *)';
  native().call('socketpair', signature, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair);
  const [known = -1, other = -1] = pair;
  libc().close(other);
  const sample = new Socket({ fd: known, readable: true, writable: true });
  try {
    const { _handle: handle } = sample as unknown as {
      _handle?: { constructor: new (kind: 0) => PipeHandle };
    };
    if (handle === undefined || typeof handle.constructor.prototype.open !== 'function') {
      throw new PlatformError('UNSUPPORTED', `Node ${process.version} opens no pipe by its descriptor`, {
        call: 'pipe',
      });
    }
    const pipe = new handle.constructor(0);
    pipe.open(fd);
    return new Socket({ handle: pipe } as unknown as ConstructorParameters<typeof Socket>[0]);
  } finally {
    sample.on('error', () => {});
    sample.destroy();
  }
}
