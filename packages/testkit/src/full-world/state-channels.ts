// SPDX-License-Identifier: Apache-2.0
import { WireError } from '@vnfpool/wire/bytes';
import { decodeState, encodeState, type StateMessage } from '@vnfpool/wire/state-channel';
import type { SimProcess } from './process.ts';
import type { StreamEnd } from './streams.ts';
import type { World } from './world.ts';

const CONNECT_MS = 5_000;

/** What a connection brings. */
export type Heard =
  | { readonly type: 'message'; readonly connection: number; readonly message: StateMessage }
  | { readonly type: 'malformed'; readonly connection: number; readonly reason: string }
  | { readonly type: 'disconnected'; readonly connection: number };

type Answer =
  | { readonly type: 'connected'; readonly connection: number }
  | { readonly type: 'connect-failed'; readonly reason: string };

/** Connections of one life of an agent over which state goes, numbered. */
export class StateChannels {
  readonly #world: World;
  readonly #process: SimProcess;
  readonly #channels = new Map<number, { readonly end: StreamEnd; hear: (heard: Heard) => void }>();
  #last = 0;

  constructor(world: World, process: SimProcess) {
    this.#world = world;
    this.#process = process;
  }

  /** The answer, and what the connection brings, is for `submit`. */
  connect(toHost: number, submit: (input: Heard | Answer) => void): void {
    this.#world.streams.connect(this.#process, toHost, {
      timeoutMs: CONNECT_MS,
      fail: (reason) => submit({ type: 'connect-failed', reason }),
      open: (end) => submit({ type: 'connected', connection: this.adopt(end, submit) }),
    });
  }

  adopt(end: StreamEnd, hear: (heard: Heard) => void): number {
    const id = ++this.#last;
    const channel = { end, hear };
    this.#channels.set(id, channel);
    end.onClose = () => {
      this.#channels.delete(id);
      channel.hear({ type: 'disconnected', connection: id });
    };
    end.onFrame = (frame) => channel.hear(heardOn(id, frame));
    return id;
  }

  send(connection: number, message: StateMessage): void {
    this.#channels.get(connection)?.end.send(encodeState(message));
  }

  close(connection: number, reason: string): void {
    this.#channels.get(connection)?.end.close(reason);
  }

  /** What it brings from now on is for somebody else. */
  redirect(connection: number, hear: (heard: Heard) => void): void {
    const channel = this.#channels.get(connection);
    if (channel) channel.hear = hear;
  }

  closeAll(reason: string): void {
    for (const { end } of this.#channels.values()) end.close(reason);
    this.#channels.clear();
  }
}

function heardOn(connection: number, frame: Uint8Array): Heard {
  try {
    return { type: 'message', connection, message: decodeState(frame) };
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return { type: 'malformed', connection, reason: error.message };
  }
}
