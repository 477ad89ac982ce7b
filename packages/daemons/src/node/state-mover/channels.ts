// SPDX-License-Identifier: Apache-2.0
import type { Connection } from '@vnfpool/transport/stream';
import { encodeState, type StateMessage } from '@vnfpool/wire/state-channel';
import { readStateFrame } from './state-frames.ts';

/** What a connection brings. */
export type Heard =
  | ReturnType<typeof readStateFrame>
  | { readonly type: 'disconnected'; readonly connection: number };
type Hear = (heard: Heard) => void;

/** Connections of the state channel, numbered. */
export class Channels {
  readonly #connections = new Map<number, { readonly connection: Connection; hear: Hear }>();
  #last = 0;

  /** Takes over a connection and begins to read. */
  adopt(connection: Connection, hear: Hear): number {
    this.#last += 1;
    const id = this.#last;
    const channel = { connection, hear };
    this.#connections.set(id, channel);
    connection.onClose(({ code, message }) => {
      this.#connections.delete(id);
      if (code === 'frame-malformed' || code === 'frame-too-large')
        channel.hear({ type: 'malformed', connection: id, reason: message });
      channel.hear({ type: 'disconnected', connection: id });
    });
    connection.onFrame((frame) => channel.hear(readStateFrame(id, frame)));
    return id;
  }

  /** What it brings from now on is for somebody else. */
  redirect(id: number, hear: Hear): void {
    const channel = this.#connections.get(id);
    if (channel !== undefined) channel.hear = hear;
  }

  send(id: number, message: StateMessage): void {
    this.#connections.get(id)?.connection.send(encodeState(message));
  }

  close(id: number, reason: string): void {
    this.#connections.get(id)?.connection.close(reason);
  }

  closeAll(reason: string): void {
    for (const { connection } of this.#connections.values()) connection.close(reason);
  }
}
