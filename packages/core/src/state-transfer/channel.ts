// SPDX-License-Identifier: Apache-2.0
import type { StateMessage } from '@vnfpool/wire/state-channel';
import { Deadlines } from '../deadlines/index.ts';
import type { ConnectionId } from '../mobility/types.ts';
import type { ChannelOutput } from './types.ts';

/** The one connection that counts, with its two timers: say something, and hear something. */
export class Channel {
  readonly #aliveMs: number;
  readonly #silenceMs: number;
  readonly #emit: (output: ChannelOutput) => void;
  readonly #timers = new Deadlines<Channel, 'alive' | 'silence'>();
  #connection: ConnectionId | null = null;

  constructor(aliveMs: number, silenceMs: number, emit: (output: ChannelOutput) => void) {
    this.#aliveMs = aliveMs;
    this.#silenceMs = silenceMs;
    this.#emit = emit;
  }

  get isOpen(): boolean {
    return this.#connection !== null;
  }

  is(connection: ConnectionId): boolean {
    return this.#connection === connection;
  }

  /** A connection that was there before is closed. */
  open(connection: ConnectionId, nowMs: number): void {
    this.close('another connection took its place');
    this.#connection = connection;
    this.#timers.set(this, 'alive', nowMs + this.#aliveMs);
    this.heard(nowMs);
  }

  send(message: StateMessage, nowMs: number): void {
    if (this.#connection === null) return;
    this.#timers.set(this, 'alive', nowMs + this.#aliveMs);
    this.#emit({ type: 'send', connection: this.#connection, message });
  }

  heard(nowMs: number): void {
    this.#timers.set(this, 'silence', nowMs + this.#silenceMs);
  }

  close(reason: string): void {
    if (this.#connection !== null) this.#emit({ type: 'close', connection: this.#connection, reason });
    this.lost();
  }

  /** It is gone already. */
  lost(): void {
    this.#connection = null;
    this.#timers.clearAll(this);
  }

  nextDeadline(): number | undefined {
    return this.#timers.next();
  }

  /** True: nothing was heard for too long; the connection was closed. */
  expire(nowMs: number): boolean {
    for (let due = this.#timers.take(nowMs); due !== undefined; due = this.#timers.take(nowMs)) {
      if (due.timer === 'silence') {
        this.close('silence');
        return true;
      }
      this.send({ type: 'alive' }, nowMs);
    }
    return false;
  }
}

/** The earlier of two deadlines. */
export function earlier(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return Math.min(one, other);
}

/** What may travel as text: short, and well-formed whatever a program said. */
export function wireText(text: string): string {
  return text.slice(0, 250).replaceAll(/[\ud800-\udfff]/g, '?');
}
