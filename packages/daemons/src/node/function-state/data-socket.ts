// SPDX-License-Identifier: Apache-2.0
import { createServer, type Server } from 'node:net';
import { OctetReader } from '@vnfpool/transport/local';
import { listenOnUnixSocket, removeUnixSocket } from '../../management-api/unix-socket.ts';
import { abortError, FunctionStateError } from './function-state.ts';

/** A socket for the octets of one export or import: takes one connection. */
export class DataSocket {
  readonly path: string;
  readonly #server: Server;
  readonly #connection: Promise<OctetReader>;
  #reader: OctetReader | undefined;

  private constructor(path: string) {
    this.path = path;
    this.#server = createServer({ pauseOnConnect: true });
    this.#connection = new Promise((resolve) => {
      this.#server.once('connection', (accepted) => {
        this.#server.close();
        // Errors are told to whoever moves octets; without anybody there they are no matter.
        this.#reader = OctetReader.adopt(accepted);
        resolve(this.#reader);
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

  get connection(): Promise<OctetReader> {
    return this.#connection;
  }

  /** Listens no more; the connection goes on without us. */
  async leave(): Promise<void> {
    this.#reader = undefined;
    await removeUnixSocket(this.path);
  }

  /** Cuts the connection, too: after what was written, when nothing failed. */
  async close(signal: AbortSignal): Promise<void> {
    const socket = this.#reader?.socket;
    if (signal.aborted) socket?.destroy(abortError(signal));
    else socket?.destroySoon();
    if (this.#server.listening) this.#server.close();
    await removeUnixSocket(this.path);
  }
}
