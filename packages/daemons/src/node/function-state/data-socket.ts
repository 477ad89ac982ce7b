// SPDX-License-Identifier: Apache-2.0
import { createServer, type Server, type Socket } from 'node:net';
import { listenOnUnixSocket, removeUnixSocket } from '../../management-api/unix-socket.ts';
import { abortError, FunctionStateError } from './function-state.ts';

/** A socket for the octets of one export or import: takes one connection. */
export class DataSocket {
  readonly path: string;
  readonly #server: Server;
  readonly #connection: Promise<Socket>;
  #socket: Socket | undefined;

  private constructor(path: string) {
    this.path = path;
    this.#server = createServer();
    this.#connection = new Promise((resolve) => {
      this.#server.once('connection', (socket) => {
        // Errors are told to whoever moves octets; without anybody there they are no matter.
        socket.on('error', () => undefined);
        this.#socket = socket;
        this.#server.close();
        resolve(socket);
      });
    });
    // Between the first connection and the closing of the server a second may slip in.
    this.#server.maxConnections = 1;
  }

  static async listen(path: string): Promise<DataSocket> {
    const socket = new DataSocket(path);
    try {
      await listenOnUnixSocket(socket.#server, path);
    } catch (error) {
      throw new FunctionStateError('storage', `no socket for the state: ${(error as Error).message}`, error);
    }
    return socket;
  }

  get connection(): Promise<Socket> {
    return this.#connection;
  }

  /** Cuts the connection, too: after what was written, when nothing failed. */
  async close(signal: AbortSignal): Promise<void> {
    if (signal.aborted) this.#socket?.destroy(abortError(signal));
    else this.#socket?.destroySoon();
    if (this.#server.listening) this.#server.close();
    await removeUnixSocket(this.path);
  }
}
