// SPDX-License-Identifier: Apache-2.0
import type { LeaseMessage, RegisterMessage, StoredRegister } from '@vnfpool/wire/lease';
import { mergeRegisters } from './register.ts';
import { gatherRepeatMs } from './timing.ts';

/** From whom a member takes a register over, and how many of them have to answer. */
export interface Sources {
  readonly nodes: readonly number[];
  readonly needed: number;
}

/** What a member knows of a slot once it has heard enough. */
export interface Gathered {
  /** Null: nobody has a register, so nothing was ever decided. */
  readonly stored: StoredRegister | null;
  /** Own clock; when the lease of whoever holds is certainly over. */
  readonly leaseUntilMs: number;
}

/**
 * A register on its way to a member that has none, or one that may lack something. Whoever answers has left the
 * former council, so nothing is decided there behind its back; and a majority of that knows all that ever was decided.
 */
export class Gathering {
  readonly #slot: string;
  readonly #serial: number;
  readonly #sources: Sources;
  readonly #answers = new Map<number, { readonly stored: StoredRegister | null; readonly untilMs: number }>();
  #repeats = 0;
  #resendAtMs: number;

  constructor(slot: string, serial: number, sources: Sources, nowMs: number) {
    this.#slot = slot;
    this.#serial = serial;
    this.#sources = sources;
    this.#resendAtMs = nowMs;
  }

  get resendAtMs(): number {
    return this.#resendAtMs;
  }

  /** Asks those that have not answered, and seldomer from time to time: the one that is missing may be dead. */
  ask(send: (to: number, message: LeaseMessage) => void, leaseMs: number, nowMs: number): void {
    this.#resendAtMs = nowMs + gatherRepeatMs(leaseMs, this.#repeats);
    this.#repeats += 1;
    const message: LeaseMessage = { type: 'fetch', slot: this.#slot, serial: this.#serial, round: 0 };
    for (const node of this.#sources.nodes) if (!this.#answers.has(node)) send(node, message);
  }

  /** Notes an answer; what is known, once enough have answered. */
  add(from: number, message: RegisterMessage, nowMs: number): Gathered | undefined {
    if (message.serial !== this.#serial || !this.#sources.nodes.includes(from)) return undefined;
    this.#answers.set(from, { stored: message.stored, untilMs: nowMs + message.timeLeftMs });
    if (this.#answers.size < this.#sources.needed) return undefined;
    const answers = [...this.#answers.values()];
    return {
      stored: mergeRegisters(answers.flatMap(({ stored }) => stored ?? [])),
      leaseUntilMs: Math.max(...answers.map(({ untilMs }) => untilMs)),
    };
  }
}
