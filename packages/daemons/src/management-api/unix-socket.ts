// SPDX-License-Identifier: Apache-2.0
import { chmod, mkdtemp, rename, rm, unlink } from 'node:fs/promises';
import { connect, type Server } from 'node:net';
import { dirname, join } from 'node:path';

/** Longest path of a Unix socket that Linux and macOS both take. */
const PATH_BYTES_MAX = 103;

/**
 * Listens on a Unix socket that only its owner may open. It is made in a folder of its own, closed to others,
 * and moved into place once its mode is right: at no moment could somebody else connect.
 *
 * @throws Error EADDRINUSE when a live server has that path; the socket of a dead one is replaced
 */
export async function listenOnUnixSocket(server: Server, path: string): Promise<void> {
  if (await answers(path)) {
    throw Object.assign(new Error(`another process listens on ${path}`), { code: 'EADDRINUSE' });
  }
  const folder = await mkdtemp(join(dirname(path), '.s'));
  const first = join(folder, 's');
  try {
    if (Buffer.byteLength(path) > PATH_BYTES_MAX || Buffer.byteLength(first) > PATH_BYTES_MAX) {
      throw new RangeError(
        `the path of a socket has at most ${PATH_BYTES_MAX} bytes, and so has its neighbour ${first}`,
      );
    }
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(first, () => {
        server.off('error', reject);
        resolve();
      });
    });
    await chmod(first, 0o600);
    await rename(first, path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Node removes only the name that it gave; ours is another. */
export async function removeUnixSocket(path: string): Promise<void> {
  await unlink(path).catch(() => undefined);
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
