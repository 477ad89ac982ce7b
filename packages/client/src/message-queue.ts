// SPDX-License-Identifier: Apache-2.0

/** What a message counts for at least: a sender of empty ones is held back, too. */
const COUNTED_LEAST = 64;
/** Places read already that are kept before the rest moves up: to move it for each message would be slow. */
const SPENT_MAX = 1024;

export interface MessageQueueOptions {
  /** Octets that wait, from which on the sender is held back; each message counts for 64 of them at least. */
  readonly bytesMax: number;
  /** Hold the sender back; false: that cannot be done. */
  readonly onFull: () => boolean;
  readonly onRoom: () => void;
  /** More than four times `bytesMax` wait, and the sender cannot be held back. */
  readonly onOverflow: () => void;
}

/** Messages that came and were not read yet; read by one or several, each message once. */
export class MessageQueue implements AsyncIterable<Uint8Array> {
  readonly #options: MessageQueueOptions;
  #messages: (Uint8Array | undefined)[] = [];
  /** Of `#messages`: how many were read. */
  #spent = 0;
  #bytes = 0;
  #full = false;
  #readers: {
    readonly resolve: (result: IteratorResult<Uint8Array, undefined>) => void;
    readonly reject: (error: Error) => void;
  }[] = [];
  #end: { readonly error: Error | null } | null = null;

  constructor(options: MessageQueueOptions) {
    this.#options = options;
  }

  /** Whether the sender is to be held back. */
  get full(): boolean {
    return this.#full;
  }

  push(message: Uint8Array): void {
    if (this.#end !== null) return;
    const reader = this.#readers.shift();
    if (reader !== undefined) {
      reader.resolve({ value: message, done: false });
      return;
    }
    const { bytesMax, onFull, onOverflow } = this.#options;
    this.#messages.push(message);
    this.#bytes += counted(message);
    if (this.#bytes < bytesMax) return;
    if (!this.#full) this.#full = onFull();
    if (!this.#full && this.#bytes >= 4 * bytesMax) onOverflow();
  }

  /** What waits is still read. */
  end(error: Error | null): void {
    if (this.#end !== null) return;
    this.#end = { error };
    for (const { resolve, reject } of this.#readers.splice(0)) {
      if (error === null) resolve({ value: undefined, done: true });
      else reject(error);
    }
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    return {
      next: () => this.#next(),
      // Reading can go on later.
      return: () => Promise.resolve({ value: undefined, done: true }),
    };
  }

  #next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const message = this.#take();
    if (message !== undefined) {
      this.#bytes -= counted(message);
      if (this.#full && this.#bytes <= this.#options.bytesMax / 2) {
        this.#full = false;
        this.#options.onRoom();
      }
      return Promise.resolve({ value: message, done: false });
    }
    if (this.#end?.error) return Promise.reject(this.#end.error);
    if (this.#end !== null) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve, reject) => {
      this.#readers.push({ resolve, reject });
    });
  }

  #take(): Uint8Array | undefined {
    const message = this.#messages[this.#spent];
    if (message === undefined) return undefined;
    this.#messages[this.#spent] = undefined;
    this.#spent += 1;
    if (this.#spent === this.#messages.length) {
      this.#messages = [];
      this.#spent = 0;
    } else if (this.#spent > SPENT_MAX && 2 * this.#spent > this.#messages.length) {
      this.#messages = this.#messages.slice(this.#spent);
      this.#spent = 0;
    }
    return message;
  }
}

function counted(message: Uint8Array): number {
  return Math.max(message.length, COUNTED_LEAST);
}
