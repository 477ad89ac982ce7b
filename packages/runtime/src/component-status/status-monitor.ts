// SPDX-License-Identifier: Apache-2.0
import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { WireError } from '@vnfpool/wire/bytes';
import { type ComponentStatus, decodeComponentStatus } from '@vnfpool/wire/csp';

export interface StatusMonitorOptions {
  readonly address: string;
  /** 0 lets the host choose. */
  readonly port: number;
  readonly onReport: (report: ComponentStatus, from: { address: string; port: number }) => void;
  /** A datagram that is no report. */
  readonly onMalformed?: (reason: string, from: { address: string; port: number }) => void;
}

/** Listens to component status reports. They are not authenticated: for display only. */
export class StatusMonitor {
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** @throws Error of the system when the port is taken */
  static async listen(options: StatusMonitorOptions): Promise<StatusMonitor> {
    const socket = createSocket(isIPv6(options.address) ? 'udp6' : 'udp4');
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(options.port, options.address, () => {
        socket.off('error', reject);
        resolve();
      });
    });
    socket.on('error', () => {});
    socket.on('message', (bytes, { address, port }) => {
      try {
        options.onReport(decodeComponentStatus(bytes), { address, port });
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
        options.onMalformed?.(error.message, { address, port });
      }
    });
    return new StatusMonitor(socket);
  }

  get port(): number {
    return this.#socket.address().port;
  }

  close(): void {
    this.#socket.close();
  }
}
