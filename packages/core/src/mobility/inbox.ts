// SPDX-License-Identifier: Apache-2.0
import type { Ack } from '@vnfpool/wire/mobility';
import { sequenceDistance } from './sequence.ts';

/** How far behind the newest a number may be: four times what a sender leaves unanswered. */
const WINDOW = 1024;

export type Arrival =
  | { readonly kind: 'new' }
  /** Carried out before: say the same again. */
  | { readonly kind: 'repeat'; readonly ack: Ack }
  /** Being carried out: its answer goes to the connection of that moment. */
  | { readonly kind: 'pending' }
  /** Too old to know: never carried out. */
  | { readonly kind: 'stale' };

/**
 * What a receiver remembers of the other side's numbers, so that nothing is carried out twice. Holds at most
 * 1024 numbers with their ACKs; lives as long as both sides' instances.
 */
export class Inbox {
  readonly #acks = new Map<number, Ack | null>();
  #newest: number | undefined;

  classify(sequence: number): Arrival {
    const ack = this.#acks.get(sequence);
    if (ack) return { kind: 'repeat', ack };
    if (ack === null) return { kind: 'pending' };
    if (this.#newest === undefined || sequenceDistance(sequence, this.#newest) < WINDOW)
      return { kind: 'new' };
    return { kind: 'stale' };
  }

  /** Notes that a new message is being carried out. */
  begin(sequence: number): void {
    this.#acks.set(sequence, null);
    if (this.#newest !== undefined && sequenceDistance(this.#newest, sequence) <= 0) return;
    this.#newest = sequence;
    for (const known of this.#acks.keys()) {
      // Numbers come nearly in order, so the old ones are in front.
      if (sequenceDistance(known, sequence) >= WINDOW) this.#acks.delete(known);
      else if (this.#acks.size <= WINDOW) break;
    }
  }

  /** Keeps the answer; without effect when the number has left the window meanwhile. */
  finish(ack: Ack): void {
    if (this.#acks.has(ack.sequence)) this.#acks.set(ack.sequence, ack);
  }
}
