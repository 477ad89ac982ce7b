// SPDX-License-Identifier: Apache-2.0
import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';

export interface MulticastOptions {
  readonly group: string;
  readonly port: number;
  readonly ttl: number;
  /** Address of the interface to send from and to listen on; default: the system chooses. */
  readonly interface?: string;
  readonly onDatagram: (bytes: Uint8Array, source: { address: string; port: number }) => void;
  /** It does not stop us: peers and elements find us by their configuration too. */
  readonly onTrouble: (error: Error) => void;
}

/** One multicast group: what is sent to it, and what others send. Our own datagrams come back too. */
export class Multicast {
  readonly #options: MulticastOptions;
  readonly #socket: Socket;

  private constructor(options: MulticastOptions, socket: Socket) {
    this.#options = options;
    this.#socket = socket;
    socket.on('message', (bytes, { address, port }) => options.onDatagram(bytes, { address, port }));
    socket.on('error', (error) => options.onTrouble(error));
  }

  /**
   * Joins the group; several registrars of one host may.
   * @throws Error of the system: no such device, no multicast route
   */
  static async join(options: MulticastOptions): Promise<Multicast> {
    const socket = createSocket({ type: isIPv6(options.group) ? 'udp6' : 'udp4', reuseAddr: true });
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject);
        socket.bind(options.port, options.group, () => {
          socket.off('error', reject);
          resolve();
        });
      });
      join(socket, options);
      if (options.interface !== undefined) socket.setMulticastInterface(options.interface);
      socket.setMulticastTTL(options.ttl);
      socket.setMulticastLoopback(true);
    } catch (error) {
      socket.close();
      throw error;
    }
    return new Multicast(options, socket);
  }

  send(bytes: Uint8Array): void {
    const { group, port, onTrouble } = this.#options;
    this.#socket.send(bytes, port, group, (error) => {
      if (error !== null) onTrouble(error);
    });
  }

  close(): void {
    this.#socket.close();
  }
}

function join(socket: Socket, { group, interface: from }: MulticastOptions): void {
  try {
    socket.addMembership(group, from);
  } catch (error) {
    if (from !== undefined || (error as NodeJS.ErrnoException).code !== 'ENODEV') throw error;
    throw new Error('no route says which interface to join it on: name one by its address', { cause: error });
  }
}
