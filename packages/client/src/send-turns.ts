// SPDX-License-Identifier: Apache-2.0
import { PoolError } from './pool-error.ts';

export interface SendTurnsOptions<Message> {
  /** Senders that wait at most; more are refused. */
  readonly waitingMax: number;
  readonly hasRoom: (message: Message) => boolean;
  /** Takes a message over; its number. */
  readonly take: (message: Message) => number;
}

interface Waiting<Message> {
  readonly message: Message;
  readonly resolve: (number: number) => void;
  readonly reject: (error: Error) => void;
}

/** Senders take turns: who finds no room waits, and nobody overtakes. */
export class SendTurns<Message> {
  readonly #options: SendTurnsOptions<Message>;
  readonly #waiting = new Set<Waiting<Message>>();
  #end: PoolError | null = null;

  constructor(options: SendTurnsOptions<Message>) {
    this.#options = options;
  }

  /** Settles with the message's number when it was taken over. @throws PoolError */
  send(message: Message, signal: AbortSignal | undefined): Promise<number> {
    const { waitingMax, hasRoom, take } = this.#options;
    if (this.#end !== null) return Promise.reject(this.#end);
    if (this.#waiting.size === 0 && hasRoom(message)) return Promise.resolve(take(message));
    if (signal?.aborted === true) return Promise.reject(aborted(signal));
    if (this.#waiting.size >= waitingMax)
      return Promise.reject(new PoolError('overloaded', 'too many messages wait'));
    return new Promise<number>((resolve, reject) => {
      const waiting: Waiting<Message> = {
        message,
        resolve: (number) => {
          signal?.removeEventListener('abort', onAbort);
          resolve(number);
        },
        reject: (error) => {
          signal?.removeEventListener('abort', onAbort);
          reject(error);
        },
      };
      const onAbort = (): void => {
        this.#waiting.delete(waiting);
        reject(aborted(signal));
        // The next one may be shorter.
        this.pump();
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiting.add(waiting);
    });
  }

  /** There may be room. */
  pump(): void {
    const { hasRoom, take } = this.#options;
    for (const waiting of this.#waiting) {
      if (this.#end !== null || !hasRoom(waiting.message)) return;
      this.#waiting.delete(waiting);
      waiting.resolve(take(waiting.message));
    }
  }

  /** Nothing is taken any more. */
  end(error: PoolError): void {
    if (this.#end !== null) return;
    this.#end = error;
    for (const { reject } of this.#waiting) reject(error);
    this.#waiting.clear();
  }
}

function aborted(signal: AbortSignal | undefined): PoolError {
  return new PoolError('aborted', 'sending was aborted', signal?.reason);
}
