// SPDX-License-Identifier: Apache-2.0
import { connect, type Socket } from 'node:net';
import type { RelayPlace } from '@vnfpool/core/relay';

export interface TcpConnectionOptions {
  readonly client: Socket;
  readonly from: string | null;
  /** Without octets in either direction for so long it is cut. */
  readonly idleMs: number;
  readonly connectMs: number;
  readonly onEnd: () => void;
}

/** One connection of a client, joined to one to a backend: each direction has its own pace, and its own end. */
export class TcpConnection {
  readonly client: Socket;
  readonly sinceMs: number = Date.now();
  readonly #options: TcpConnectionOptions;
  #upstream: Socket | null = null;
  #isOver = false;

  constructor(options: TcpConnectionOptions) {
    this.#options = options;
    this.client = options.client;
    this.client.on('error', () => this.cut());
    this.client.setTimeout(options.idleMs, () => this.cut());
    this.client.on('close', () => this.#closed());
  }

  /** Octets from the client, and to it. */
  get bytes(): readonly [up: number, down: number] {
    return [this.client.bytesRead, this.client.bytesWritten];
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Resolves when the backend has taken it, rejects when it has not; the next one may be asked. */
  join(backend: RelayPlace): Promise<void> {
    const { from, connectMs, idleMs } = this.#options;
    return new Promise((resolve, reject) => {
      const upstream = connect({
        host: backend.address,
        port: backend.port,
        ...(from === null ? {} : { localAddress: from }),
        noDelay: true,
        keepAlive: true,
        allowHalfOpen: true,
      });
      const onFailure = (error: Error): void => {
        upstream.destroy();
        reject(error);
      };
      upstream.once('error', onFailure);
      upstream.setTimeout(connectMs, () => onFailure(new Error(`no answer within ${connectMs} ms`)));
      this.#upstream = upstream;
      upstream.once('connect', () => {
        upstream.off('error', onFailure);
        upstream.on('error', () => this.cut());
        upstream.removeAllListeners('timeout');
        upstream.setTimeout(idleMs, () => this.cut());
        upstream.on('close', () => this.#closed());
        // `pipe` stops reading where the other side does not write, and ends what has been read to its end.
        this.client.pipe(upstream).pipe(this.client);
        resolve();
      });
    });
  }

  /** Both sides are told that it broke. */
  cut(): void {
    for (const socket of [this.client, this.#upstream])
      if (socket !== null && !socket.destroyed) socket.resetAndDestroy();
    this.#end();
  }

  /** One that is closed has ended in both directions: what is still on its way by the other one goes there. */
  #closed(): void {
    if (this.client.destroyed && (this.#upstream === null || this.#upstream.destroyed)) this.#end();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.onEnd();
  }
}
