// SPDX-License-Identifier: Apache-2.0
import { MergeSocket } from '@vnfpool/runtime/gossip';
import { OctetReader } from '@vnfpool/transport/local';
import type { MergeKey, MergeMessage, MergeRefusal, MergeRequest } from '@vnfpool/wire/merge-link';
import { PoolError } from '../pool-error.ts';

export interface MergeEvents {
  readonly onKeys: (keys: readonly MergeKey[]) => void;
  /** Requests up to this number are carried out; 0: all that there was has come. */
  readonly onDone: (number: number) => void;
  readonly onRefused: (number: number, reason: MergeRefusal) => void;
  /** The agent is gone, or the pool's state is kept no more; once. */
  readonly onCut: (error: PoolError) => void;
}

/** Octets of requests from which on a frame goes. */
const FRAME_OCTETS = 61_440;

/** The function's end of one connection by which it takes part in mergeable state. */
export class MergeLink {
  readonly #socket: MergeSocket;
  readonly #events: MergeEvents;
  #number = 0;
  #waiting: MergeRequest[] = [];
  #isWriting = false;
  #isOver = false;

  private constructor(path: string, events: MergeEvents) {
    this.#socket = new MergeSocket(OctetReader.connect(path));
    this.#events = events;
    void this.#listen();
  }

  /** That it cannot be connected is told by `onCut`. */
  static connect(path: string, events: MergeEvents): MergeLink {
    return new MergeLink(path, events);
  }

  /** @returns its number */
  ask(request: MergeRequest): number {
    this.#waiting.push(request);
    if (!this.#isWriting) void this.#write();
    return this.#number + this.#waiting.length;
  }

  /** Ends it, without a word to whoever began it. */
  cut(): void {
    this.#isOver = true;
    this.#socket.destroy();
  }

  async #write(): Promise<void> {
    this.#isWriting = true;
    try {
      // What is asked in one turn goes together.
      await Promise.resolve();
      while (this.#waiting.length > 0 && !this.#isOver) {
        const requests = this.#together();
        const first = this.#number + 1;
        this.#number += requests.length;
        await this.#socket.send([{ type: 'requests', first, requests }]);
      }
    } catch (error) {
      this.#broke(error);
    } finally {
      this.#isWriting = false;
    }
  }

  #together(): MergeRequest[] {
    let octets = 0;
    let count = 0;
    for (const request of this.#waiting) {
      octets += weightOf(request);
      count += 1;
      if (octets >= FRAME_OCTETS) break;
    }
    return this.#waiting.splice(0, count);
  }

  async #listen(): Promise<void> {
    try {
      while (!this.#isOver) {
        const message = await this.#socket.next();
        if (message === null) throw new PoolError('closed', 'the agent closed the connection');
        if (!this.#isOver) this.#take(message);
      }
    } catch (error) {
      this.#broke(error);
    }
  }

  #take(message: MergeMessage): void {
    switch (message.type) {
      case 'keys':
        this.#events.onKeys(message.keys);
        return;
      case 'done':
      case 'refused': {
        const { number } = message;
        if (number > this.#number)
          throw new PoolError('internal', `the agent answers request ${number} of ${this.#number}`);
        if (message.type === 'done') this.#events.onDone(number);
        else this.#events.onRefused(number, message.reason);
        return;
      }
      case 'requests':
        throw new PoolError('internal', 'the agent asks for changes');
    }
  }

  #broke(cause: unknown): void {
    if (this.#isOver) return;
    this.cut();
    this.#events.onCut(new PoolError('closed', 'the connection for mergeable state ended', cause));
  }
}

/** Octets, about. */
export function weightOf(request: MergeRequest): number {
  const more = 'value' in request ? request.value : 'element' in request ? request.element : null;
  return request.key.length + (more?.length ?? 0) + 16;
}
