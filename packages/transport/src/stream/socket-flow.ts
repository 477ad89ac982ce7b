// SPDX-License-Identifier: Apache-2.0
import type { Socket } from 'node:net';
import type { FlowControl } from './stream-transport.ts';

/** Flow control of a Node socket. `flush` writes what waits for the end of the turn. */
export function socketFlow(socket: Socket, flush: () => void): FlowControl {
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
      socket.pause();
    },
    resume: () => {
      socket.resume();
    },
  };
}
