// SPDX-License-Identifier: Apache-2.0
import { connect, Socket } from 'node:net';

/** More than a local socket holds, so that one read takes all there is. */
const BUFFER_BYTES = 262_144;

/**
 * Reads a local socket into the same memory again and again, and only when it is asked to: new memory for each read costs
 * more than the read. Its octets are good until the next are asked for.
 */
export class OctetReader {
  readonly socket: Socket;
  readonly #memory: Uint8Array;
  /** What came before it was asked for. */
  #ready: Uint8Array | null = null;
  #waiting: { resolve(octets: Uint8Array | null): void; reject(error: Error): void } | null = null;
  /** Null: it ended as it should. */
  #end: Error | null | undefined;

  private constructor(
    open: (options: { buffer: Uint8Array; callback: (bytes: number) => boolean }) => Socket,
  ) {
    // No Buffer, whose `slice` would not copy.
    this.#memory = new Uint8Array(BUFFER_BYTES);
    this.socket = open({
      buffer: this.#memory,
      callback: (bytes) => {
        this.#take(bytes);
        // No more until it is asked for.
        return false;
      },
    });
    this.socket.on('error', (error) => this.#over(error));
    this.socket.on('end', () => this.#over(null));
    this.socket.on('close', () => this.#over(new Error('the connection was closed')));
  }

  /** Connects to the local socket at a path; that it cannot is told by `next`. */
  static connect(path: string): OctetReader {
    return new OctetReader((onread) => connect({ path, onread }));
  }

  /**
   * Takes over a socket of a server with `pauseOnConnect`, which is of no use any more. Node has the buffer of one's own
   * only for sockets that one makes, so the handle, which it does not document, gets another socket.
   */
  static adopt(accepted: Socket): OctetReader {
    const holder = accepted as unknown as { _handle: unknown };
    const handle = holder._handle;
    holder._handle = null;
    accepted.destroy();
    return new OctetReader((onread) => new Socket({ handle, onread } as object));
  }

  /** The next octets, which are good until the next call; null at the end. One call at a time. Rejects when it broke. */
  next(): Promise<Uint8Array | null> {
    const octets = this.#ready;
    this.#ready = null;
    if (octets !== null) return Promise.resolve(octets);
    if (this.#end instanceof Error) return Promise.reject(this.#end);
    if (this.#end === null) return Promise.resolve(null);
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.socket.resume();
    });
  }

  #take(bytes: number): void {
    const octets = this.#memory.subarray(0, bytes);
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting === null) this.#ready = octets;
    else waiting.resolve(octets);
  }

  #over(end: Error | null): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    const waiting = this.#waiting;
    this.#waiting = null;
    if (end === null) waiting?.resolve(null);
    else waiting?.reject(end);
  }
}
