// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '@vnfpool/runtime/driver';
import type { CloseReason, Connection, Peer } from '@vnfpool/transport/stream';
import type { AsapMessage } from '@vnfpool/wire/asap';
import { WireError } from '@vnfpool/wire/bytes';
import type { ChannelCodec, Heard } from './channel-codec.ts';

/** How a channel ended: told so, by closing without a word, or by a failure. */
export type ChannelEnd = 'ended' | 'closed' | 'failed';

export interface DataChannelOptions {
  readonly codec: ChannelCodec;
  readonly clock: Clock;
  /** Silence after which the peer is asked whether it is there; after three times as much it is not. */
  readonly heartbeatMs: number;
  /** Heartbeats come here too: they show what kind of session it is. */
  readonly onHeard: (heard: Heard) => void;
  /** Called once, unless we closed it. */
  readonly onEnd: (how: ChannelEnd, reason: string) => void;
}

/** Octets queued in the kernel's stead from which on a sender waits. */
const QUEUE_BYTES = 256 * 1024;

/** A connection between a pool user and a pool element, with control messages where the pool has them. */
export class DataChannel {
  readonly control: boolean;
  readonly peer: Peer;
  readonly #connection: Connection;
  readonly #options: DataChannelOptions;
  #heardMs: number;
  #stopTimer: () => void = () => {};
  #paused = false;
  #over = false;
  #draining: Promise<void> | null = null;
  #settleDrained: () => void = () => {};

  constructor(connection: Connection, options: DataChannelOptions) {
    this.#connection = connection;
    this.#options = options;
    this.control = options.codec.control;
    this.peer = connection.peer;
    this.#heardMs = options.clock.nowMs();
    connection.onClose((reason) => this.#closed(reason));
    connection.onFrame((frame, protocol) => this.#read(frame, protocol));
    if (options.codec.marks) this.#watch(this.#heardMs);
  }

  send(data: Uint8Array): void {
    this.#options.codec.sendData(this.#connection, data);
  }

  sendControl(message: AsapMessage): void {
    this.#options.codec.sendControl(this.#connection, message);
  }

  /** A heartbeat: what a user says first in a session that is new. */
  greet(): void {
    this.#options.codec.sendMark(this.#connection, 'heartbeat');
  }

  /** Whether so much is on its way that a sender should wait; false where that cannot be known. */
  get congested(): boolean {
    const { flow, closed } = this.#connection;
    return flow !== undefined && closed === null && flow.queuedBytes >= QUEUE_BYTES;
  }

  /** Settles when that is worked off, or lost with the connection; at once when it is not congested. */
  drained(): Promise<void> {
    if (!this.congested) return Promise.resolve();
    // One for all who wait: each handler of its own would stay with the connection.
    this.#draining ??= new Promise((resolve) => {
      this.#settleDrained = () => {
        this.#draining = null;
        this.#settleDrained = () => {};
        resolve();
      };
      this.#connection.flow?.onDrained(() => this.#settleDrained());
    });
    return this.#draining;
  }

  /** False: this connection cannot be held back. */
  pause(): boolean {
    this.#connection.flow?.pause();
    this.#paused = this.#connection.flow !== undefined;
    return this.#paused;
  }

  resume(): void {
    this.#paused = false;
    this.#connection.flow?.resume();
  }

  /** `ended`: the peer is told that this is the end of the session, where that can be told. */
  close(ended: boolean): void {
    if (this.#over) return;
    this.#finish();
    if (ended) this.#options.codec.sendMark(this.#connection, 'end');
    this.#connection.flow?.resume();
    this.#connection.close();
  }

  #read(frame: Uint8Array, protocol: number): void {
    if (this.#over) return;
    this.#heardMs = this.#options.clock.nowMs();
    let heard: Heard;
    try {
      // A frame is a view of what the socket read, and applications keep what they get.
      heard = this.#options.codec.read(frame.slice(), protocol);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#end('failed', `not understood: ${error.message}`);
      return;
    }
    if (heard.type === 'heartbeat') this.#options.codec.sendMark(this.#connection, 'heartbeat-ack');
    if (heard.type === 'end') this.#end('ended', 'the other end closed the session');
    else this.#options.onHeard(heard);
  }

  #closed({ code, message }: CloseReason): void {
    this.#settleDrained();
    if (this.#over) return;
    this.#finish();
    this.#options.onEnd(code === 'peer' ? 'closed' : 'failed', message);
  }

  #end(how: ChannelEnd, reason: string): void {
    this.#finish();
    this.#connection.close();
    this.#options.onEnd(how, reason);
  }

  #finish(): void {
    this.#over = true;
    this.#stopTimer();
  }

  /** @param dueMs When this was to be done: who was late itself, or does not listen, accuses nobody. */
  #watch(dueMs: number): void {
    const { clock, heartbeatMs, codec } = this.#options;
    const nowMs = clock.nowMs();
    if (this.#paused || nowMs - dueMs >= heartbeatMs)
      this.#heardMs = Math.max(this.#heardMs, nowMs - heartbeatMs);
    const silentMs = nowMs - this.#heardMs;
    if (silentMs >= 3 * heartbeatMs) {
      this.#end('failed', `nothing heard for ${Math.round(silentMs)} ms`);
      return;
    }
    // While we do not read, the peer's own question waits unread: ours tells it that we are here.
    if (silentMs >= heartbeatMs) codec.sendMark(this.#connection, 'heartbeat');
    const nextMs = silentMs >= heartbeatMs ? nowMs + heartbeatMs : this.#heardMs + heartbeatMs;
    this.#stopTimer = clock.at(nextMs, () => this.#watch(nextMs));
  }
}
