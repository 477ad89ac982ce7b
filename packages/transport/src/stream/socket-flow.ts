// SPDX-License-Identifier: Apache-2.0
import type { Socket } from 'node:net';
import type { FlowControl } from './stream-transport.ts';

/**
 * Flow control of a Node socket. `flush` writes what waits for the end of the turn; `held` is told before the socket is
 * paused and before it goes on.
 */
export function socketFlow(socket: Socket, flush: () => void, held: (paused: boolean) => void): FlowControl {
  return {
    get queuedBytes(): number {
      flush();
      return socket.writableLength;
    },
    onDrained: (handler) => {
      flush();
      if (socket.writableNeedDrain) socket.once('drain', handler);
      else queueMicrotask(handler);
    },
    pause: () => {
      held(true);
      socket.pause();
    },
    resume: () => {
      held(false);
      socket.resume();
    },
  };
}
