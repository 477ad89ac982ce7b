// SPDX-License-Identifier: Apache-2.0
import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

/** Counts what this process really writes to its sockets, whoever opens them. To be made before any is opened. */
export class SocketMeter {
  readonly #sockets = new Set<Socket>();

  constructor() {
    const note = (message: unknown): void => {
      this.#sockets.add((message as { readonly socket: Socket }).socket);
    };
    subscribe('net.client.socket', note);
    subscribe('net.server.socket', note);
  }

  /** Octets written so far, but for connections that came to this port. */
  writtenBut(port: number): number {
    let octets = 0;
    for (const socket of this.#sockets) if (socket.localPort !== port) octets += socket.bytesWritten;
    return octets;
  }
}
