// SPDX-License-Identifier: Apache-2.0

/** What becomes of messages when the element that had them is lost. */
export type ResendRule = 'unsent' | 'unacknowledged';

export interface SendBufferOptions {
  readonly resend: ResendRule;
  /** Messages and octets kept at most. */
  readonly messagesMax: number;
  readonly bytesMax: number;
}

/** A message that will not be sent again. */
export interface ReturnedMessage {
  readonly number: number;
  readonly data: Uint8Array;
  /** Whether the transport had it: then the lost element may have acted upon it. */
  readonly handed: boolean;
}

interface Entry {
  readonly number: number;
  readonly data: Uint8Array;
  /** False: it must not go to another element. */
  readonly mayMove: boolean;
  handed: boolean;
}

/**
 * Messages of a session on their way out, numbered from 1. By the rule `unsent` those handed to the transport are
 * kept only to be returned, the oldest forgotten at the bound; by `unacknowledged` they are kept until they are
 * acknowledged, and the bound refuses new ones.
 */
export class SendBuffer {
  readonly #options: SendBufferOptions;
  #entries: Entry[] = [];
  #bytes = 0;
  /** Of those that must not be forgotten. */
  #heldBytes = 0;
  #heldMessages = 0;
  #lastNumber = 0;

  constructor(options: SendBufferOptions) {
    this.#options = options;
  }

  /** Whether a message of this length can be taken now. One always can when nothing is held. */
  hasRoom(bytes: number): boolean {
    const { messagesMax, bytesMax } = this.#options;
    if (this.#heldMessages === 0) return true;
    return this.#heldMessages < messagesMax && this.#heldBytes + bytes <= bytesMax;
  }

  /** Takes a message over; its number. */
  add(data: Uint8Array, mayMove: boolean): number {
    const entry = { number: ++this.#lastNumber, data, mayMove, handed: false };
    this.#entries.push(entry);
    this.#bytes += data.length;
    this.#heldBytes += data.length;
    this.#heldMessages += 1;
    return entry.number;
  }

  /** Those that wait for a transport, in order; they count as handed to one. */
  take(): Uint8Array[] {
    const waiting = this.#entries.filter(({ handed }) => !handed);
    for (const entry of waiting) {
      entry.handed = true;
      if (this.#options.resend === 'unsent') this.#release(entry);
    }
    this.#forget();
    return waiting.map(({ data }) => data);
  }

  /** The element confirmed all messages up to this number. */
  acknowledge(upTo: number): void {
    this.#drop((entry) => entry.handed && entry.number <= upTo);
  }

  /** The transport is lost: what will not be sent again; the rest waits for the next one. */
  lost(): ReturnedMessage[] {
    const again = this.#options.resend === 'unacknowledged';
    const returned = this.#drop((entry) => !entry.mayMove || (entry.handed && !again));
    for (const entry of this.#entries) entry.handed = false;
    return returned.map(({ number, data, handed }) => ({ number, data, handed }));
  }

  /** Everything, at the end of a session. */
  drain(): ReturnedMessage[] {
    return this.#drop(() => true).map(({ number, data, handed }) => ({ number, data, handed }));
  }

  #drop(goes: (entry: Entry) => boolean): Entry[] {
    const dropped = this.#entries.filter(goes);
    if (dropped.length === 0) return dropped;
    this.#entries = this.#entries.filter((entry) => !goes(entry));
    for (const entry of dropped) {
      this.#bytes -= entry.data.length;
      if (!entry.handed || this.#options.resend === 'unacknowledged') this.#release(entry);
    }
    return dropped;
  }

  #release(entry: Entry): void {
    this.#heldBytes -= entry.data.length;
    this.#heldMessages -= 1;
  }

  /** By the rule `unsent`: the oldest of those that the transport has. */
  #forget(): void {
    if (this.#options.resend === 'unacknowledged') return;
    const { messagesMax, bytesMax } = this.#options;
    let from = 0;
    while (this.#entries.length - from > messagesMax || this.#bytes > bytesMax) {
      const entry = this.#entries[from];
      if (entry === undefined || !entry.handed) break;
      this.#bytes -= entry.data.length;
      from += 1;
    }
    if (from > 0) this.#entries = this.#entries.slice(from);
  }
}
