// SPDX-License-Identifier: Apache-2.0
import type { Socket } from 'node:net';

/** Writes all pieces, at least one, by one call of the system; resolves when it has taken them, so no more than they wait here. */
export function writeTogether(socket: Socket, pieces: readonly Uint8Array[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error?: Error | null): void => (error ? reject(error) : resolve());
    socket.cork();
    for (const [at, piece] of pieces.entries())
      socket.write(piece, at === pieces.length - 1 ? done : undefined);
    socket.uncork();
  });
}
