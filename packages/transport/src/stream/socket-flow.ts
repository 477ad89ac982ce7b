// SPDX-License-Identifier: Apache-2.0
import type { Socket } from 'node:net';
import type { FlowControl } from './stream-transport.ts';

/** Flow control of a Node socket. */
export function socketFlow(socket: Socket): FlowControl {
  return {
    get queuedBytes(): number {
      return socket.writableLength;
    },
    onDrained: (handler) => {
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
