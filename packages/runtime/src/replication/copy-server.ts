// SPDX-License-Identifier: Apache-2.0
import type { Connection, ConnectionEnd, Listener, StreamTransport } from '@vnfpool/transport';
import { WireError } from '@vnfpool/wire/bytes';
import { isPoolGossip } from '@vnfpool/wire/gossip';
import {
  decodeReplica,
  encodeReplica,
  type ReplicaMessage,
  type ReplicaOpen,
} from '@vnfpool/wire/replication';
import type { StateCopy } from './state-copy.ts';

export interface CopyServerOptions {
  /** Of the frames of `replicationRule`. */
  readonly transport: StreamTransport;
  readonly host: string;
  /** 0: the host chooses. */
  readonly port: number;
  /** Whether a holder may open this slot by this connection; default: all that the transport lets in. */
  readonly admits?: (connection: Connection, open: ReplicaOpen) => boolean;
  /** Connections at a time, default 1,040: some for each slot that a node takes part in. */
  readonly connectionsMax?: number;
  /** Takes frames of gossip, by connections that begin with one; default: such connections are refused. */
  readonly gossip?: (connection: Connection, frame: Uint8Array) => void;
  /** A connection was refused, and why. */
  readonly onRefused?: (reason: string) => void;
}

const CONNECTIONS_MAX = 1_040;

/** Where the holders of slots bring their state, and peers tell of mergeable state: one address of a node for all of it. */
export class CopyServer {
  readonly #options: CopyServerOptions;
  readonly #copies = new Map<string, StateCopy>();
  #listener: Listener | undefined;

  private constructor(options: CopyServerOptions) {
    this.#options = options;
  }

  /** @throws TransportError */
  static async listen(options: CopyServerOptions): Promise<CopyServer> {
    const server = new CopyServer(options);
    await server.#listen(options.host, options.port);
    return server;
  }

  /** Where it really listens. */
  get address(): ConnectionEnd {
    return (this.#listener as Listener).address;
  }

  /** From now on holders of its slot find this copy. */
  add(copy: StateCopy): void {
    this.#copies.set(copy.slot, copy);
  }

  remove(copy: StateCopy): void {
    if (this.#copies.get(copy.slot) === copy) this.#copies.delete(copy.slot);
  }

  /**
   * Listens at another address, at the same port where that is free; holders come again. @throws TransportError when it cannot;
   * then it listens nowhere
   */
  async move(host: string): Promise<void> {
    const { port } = this.address;
    await this.#listener?.close();
    await this.#listen(host, port).catch(() => this.#listen(host, 0));
  }

  async close(): Promise<void> {
    await this.#listener?.close();
  }

  async #listen(host: string, port: number): Promise<void> {
    this.#listener = await this.#options.transport.listen({
      host,
      port,
      connectionsMax: this.#options.connectionsMax ?? CONNECTIONS_MAX,
      onConnection: (connection) => this.#accept(connection),
    });
  }

  #accept(connection: Connection): void {
    let copy: StateCopy | undefined;
    let isOfGossip = false;
    connection.onFrame((frame) => {
      const { gossip } = this.#options;
      isOfGossip ||= copy === undefined && gossip !== undefined && isPoolGossip(frame);
      if (isOfGossip) {
        gossip?.(connection, frame);
        return;
      }
      let message: ReplicaMessage;
      try {
        message = decodeReplica(frame);
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
        // A holder that was let in tells people of it.
        if (copy !== undefined)
          connection.send(
            encodeReplica({ type: 'refuse', reason: 'protocol', epoch: 0, text: error.message }),
          );
        this.#refuse(connection, error.message);
        return;
      }
      if (copy === undefined) {
        copy = this.#opened(connection, message);
        if (copy === undefined) return;
      }
      copy.read(connection, message);
    });
  }

  #opened(connection: Connection, message: ReplicaMessage): StateCopy | undefined {
    if (message.type !== 'open') {
      this.#refuse(connection, `${message.type} before open`);
      return undefined;
    }
    if (this.#options.admits?.(connection, message) === false) {
      this.#refuse(connection, 'not admitted');
      return undefined;
    }
    const copy = this.#copies.get(message.slot);
    if (copy === undefined) {
      const text = 'no copy of this slot is kept here';
      connection.send(encodeReplica({ type: 'refuse', reason: 'unknown-slot', epoch: 0, text }));
      connection.close(text);
      return undefined;
    }
    return copy.open(connection, message) ? copy : undefined;
  }

  #refuse(connection: Connection, reason: string): void {
    this.#options.onRefused?.(reason);
    connection.close(reason);
  }
}
