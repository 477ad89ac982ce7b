// SPDX-License-Identifier: Apache-2.0
import { createServer, type Server, type Socket } from 'node:net';
import { BackendChoice, formatPlace, type RelayPlace } from '@vnfpool/core/relay';
import type { RelayConfig, RelayService, RelayStatus } from './config.ts';
import { Listening } from './listening.ts';
import { TcpConnection } from './tcp-connection.ts';

const CONNECT_MS = 5_000;

/** The relay for connections. They end in this process: none of them can go to another one. */
export class TcpService implements RelayService {
  readonly #config: RelayConfig;
  readonly #choice: BackendChoice;
  readonly #listening: Listening<Server>;
  readonly #connections = new Map<TcpConnection, RelayPlace | null>();
  /** New ones that wait until the relay goes on; null: it does. */
  #waiting: Socket[] | null = null;
  readonly #counters = {
    began: 0,
    ended: 0,
    refused: 0,
    heldDropped: 0,
    backendErrors: 0,
    unreachable: 0,
    upBytes: 0,
    downBytes: 0,
  };

  constructor(config: RelayConfig) {
    this.#config = config;
    this.#choice = new BackendChoice(config.backends);
    this.#listening = new Listening(() => this.#bind(config.listen));
  }

  get trouble(): string | null {
    return this.#listening.trouble;
  }

  /** Connections that are open. */
  get open(): number {
    return this.#connections.size;
  }

  listen(): void {
    this.#listening.start();
  }

  unlisten(): void {
    this.#listening.stop();
  }

  /** New connections wait; those that there are go on, as their state is in this process. */
  quiesce(): void {
    this.#waiting ??= [];
  }

  resume(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    for (const socket of waiting) if (!socket.destroyed) void this.#serve(socket);
  }

  status(role: string | null): RelayStatus {
    const server = this.#listening.socket?.address();
    let [up, down] = [this.#counters.upBytes, this.#counters.downBytes];
    for (const { bytes } of this.#connections.keys()) {
      up += bytes[0];
      down += bytes[1];
    }
    return {
      protocol: 'tcp',
      role,
      listen: server && typeof server === 'object' ? formatPlace(server) : null,
      forward: null,
      sessions: { served: this.open, fromElsewhere: 0, elsewhere: 0 },
      backends: Object.fromEntries(this.#choice.sessions),
      counters: { ...this.#counters, upBytes: up, downBytes: down },
    };
  }

  close(): void {
    this.#listening.stop();
    for (const socket of this.#waiting ?? []) socket.destroy();
    for (const connection of this.#connections.keys()) connection.cut();
  }

  async #serve(socket: Socket): Promise<void> {
    const { sessionsMax, idleMs, from } = this.#config;
    if (this.#connections.size >= sessionsMax) {
      this.#counters.refused += 1;
      socket.resetAndDestroy();
      return;
    }
    this.#counters.began += 1;
    const connection = new TcpConnection({
      client: socket,
      from,
      idleMs,
      connectMs: CONNECT_MS,
      onEnd: () => {
        const backend = this.#connections.get(connection) ?? null;
        if (backend !== null) this.#choice.ended(backend);
        this.#connections.delete(connection);
        this.#counters.ended += 1;
        this.#counters.upBytes += connection.bytes[0];
        this.#counters.downBytes += connection.bytes[1];
      },
    });
    this.#connections.set(connection, null);
    const failed = new Set<string>();
    while (!connection.isOver && failed.size < this.#config.backends.length) {
      const backend = this.#choice.choose(failed);
      this.#choice.began(backend);
      this.#connections.set(connection, backend);
      try {
        await connection.join(backend);
        return;
      } catch {
        this.#counters.backendErrors += 1;
        failed.add(formatPlace(backend));
        // If it is over by now, that was counted where it ended.
        if (connection.isOver) return;
        this.#choice.ended(backend);
        this.#connections.set(connection, null);
      }
    }
    this.#counters.unreachable += 1;
    connection.cut();
  }

  #bind({ address, port }: RelayPlace): Promise<Server> {
    const server = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true }, (socket) => {
      if (this.#waiting === null) void this.#serve(socket);
      else if (this.#waiting.length < this.#config.heldMax) {
        socket.on('error', () => socket.destroy());
        this.#waiting.push(socket);
      } else {
        this.#counters.heldDropped += 1;
        socket.resetAndDestroy();
      }
    });
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, address, () => {
        server.off('error', reject);
        // Descriptors that ran out for a moment: who connects waits in the backlog.
        server.on('error', () => {
          this.#counters.refused += 1;
        });
        resolve(server);
      });
    });
  }
}
