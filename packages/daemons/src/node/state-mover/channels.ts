// SPDX-License-Identifier: Apache-2.0
import { unframed } from '@vnfpool/transport/framing';
import type { Connection } from '@vnfpool/transport/stream';
import { WireError } from '@vnfpool/wire/bytes';
import { chunkHeader, encodeState, type StateMessage, StateStreamReader } from '@vnfpool/wire/state-channel';

/** What a connection brings. */
export type Heard =
  | { readonly type: 'message'; readonly connection: number; readonly message: StateMessage }
  | { readonly type: 'malformed'; readonly connection: number; readonly reason: string }
  | { readonly type: 'disconnected'; readonly connection: number };
type Hear = (heard: Heard) => void;

/** The state channel is read as it comes: the octets of a chunk need not be put together to go on. */
export const stateRule: typeof unframed = unframed;

/** Connections of the state channel, numbered. */
export class Channels {
  readonly #connections = new Map<number, { readonly connection: Connection; hear: Hear }>();
  #last = 0;

  /** Takes over a connection and begins to read. */
  adopt(connection: Connection, hear: Hear): number {
    this.#last += 1;
    const id = this.#last;
    const channel = { connection, hear };
    const reader = new StateStreamReader();
    this.#connections.set(id, channel);
    connection.onClose(() => {
      this.#connections.delete(id);
      channel.hear({ type: 'disconnected', connection: id });
    });
    connection.onFrame((octets) => {
      try {
        for (const message of reader.push(octets)) {
          channel.hear({ type: 'message', connection: id, message });
          if (connection.closed !== null) return;
        }
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
        channel.hear({ type: 'malformed', connection: id, reason: error.message });
        connection.close(error.message);
      }
    });
    return id;
  }

  /** What it brings from now on is for somebody else. */
  redirect(id: number, hear: Hear): void {
    const channel = this.#connections.get(id);
    if (channel !== undefined) channel.hear = hear;
  }

  /** The octets of a chunk are not copied: they must stay as they are until `onDrained`. */
  send(id: number, message: StateMessage): void {
    const connection = this.#connections.get(id)?.connection;
    if (connection === undefined) return;
    if (message.type === 'chunk' && connection.flow !== undefined) {
      connection.send(chunkHeader(message.octets.length));
      connection.send(message.octets);
    } else connection.send(encodeState(message));
  }

  /** Calls back once all that was sent has been handed over; not after the end of the connection. */
  onDrained(id: number, handler: () => void): void {
    const connection = this.#connections.get(id)?.connection;
    if (connection?.flow === undefined) handler();
    else connection.flow.onDrained(handler);
  }

  close(id: number, reason: string): void {
    this.#connections.get(id)?.connection.close(reason);
  }

  closeAll(reason: string): void {
    for (const { connection } of this.#connections.values()) connection.close(reason);
  }
}
