// SPDX-License-Identifier: Apache-2.0
import type { MergeableState } from '@vnfpool/core/gossip';
import { type MergeSocket, messagesOfKeys, type PoolReplica, type WholeKey } from '@vnfpool/runtime/gossip';
import { FrameError } from '@vnfpool/transport/framing';
import { WireError } from '@vnfpool/wire/bytes';
import type { MergeMessage, MergeRequest } from '@vnfpool/wire/merge-link';
import { FunctionStateError } from '../function-state/function-state.ts';

type Refused = Extract<MergeMessage, { readonly type: 'refused' }>;

/** Requests that are carried out before others of this process have a turn. */
const TOGETHER_MAX = 1_024;
/** Refusals that the function has not read; it is read no more until it has. */
const REFUSED_MAX = 1_024;

/**
 * The agent's end of one connection by which a function takes part in mergeable state: tells it all that there is, then what
 * changes, and carries out what it asks for. A key that changes often while the function reads slowly is told once, as it is then.
 */
export class MergeStream {
  readonly #socket: MergeSocket;
  readonly #replica: PoolReplica;
  readonly #unwatch: () => void;
  /** To be told, by their octets as characters. */
  #changed = new Map<string, Uint8Array>();
  #refused: Refused[] = [];
  /** Number of the last request that is carried out. */
  #done = 0;
  /** The last one that was told; -1: not even what there was. */
  #told = -1;
  #isTelling = false;
  #isOver = false;
  #onRoom: (() => void) | null = null;

  constructor(socket: MergeSocket, replica: PoolReplica) {
    this.#socket = socket;
    this.#replica = replica;
    this.#unwatch = replica.watch((keys) => this.#note(keys));
    this.#note(replica.state.keys());
    // Also where there is nothing: the function waits for the word that this is all.
    void this.#tell();
  }

  /** Carries out what the function asks for, until its end. @throws FunctionStateError */
  async run(): Promise<void> {
    try {
      for (;;) {
        const message = await this.#socket.next();
        if (message === null) throw ended();
        if (message.type !== 'requests') throw fault(`${message.type} is nothing that it has to say here`);
        if (message.first !== this.#done + 1) throw fault(`request ${message.first} follows ${this.#done}`);
        await this.#carryOut(message.requests);
      }
    } catch (error) {
      if (error instanceof WireError || error instanceof FrameError) throw fault(error.message, error);
      throw error instanceof FunctionStateError ? error : ended(error);
    } finally {
      this.destroy();
    }
  }

  /** Cuts it: the function waits for the next one. */
  destroy(): void {
    this.#isOver = true;
    this.#unwatch();
    this.#onRoom?.();
    this.#socket.destroy();
  }

  async #carryOut(requests: readonly MergeRequest[]): Promise<void> {
    for (const [at, request] of requests.entries()) {
      if (this.#isOver) throw ended();
      const reason = request.type === 'read' ? null : this.#replica.update(request);
      this.#done += 1;
      if (request.type === 'read') this.#note([request.key.slice()]);
      if (reason !== null) this.#refused.push({ type: 'refused', number: this.#done, reason });
      if (this.#refused.length >= REFUSED_MAX) {
        void this.#tell();
        await new Promise<void>((resolve) => (this.#onRoom = resolve));
      } else if (at % TOGETHER_MAX === TOGETHER_MAX - 1)
        await new Promise((resolve) => setImmediate(resolve));
    }
    void this.#tell();
  }

  #note(keys: readonly Uint8Array[]): void {
    for (const key of keys) this.#changed.set(Buffer.from(key).toString('latin1'), key);
    if (keys.length > 0) void this.#tell();
  }

  /** What a request changed is told before it is said to be done. */
  async #tell(): Promise<void> {
    if (this.#isTelling) return;
    this.#isTelling = true;
    // What comes in this turn goes together.
    await Promise.resolve();
    try {
      while (!this.#isOver && (this.#changed.size > 0 || this.#told < this.#done)) {
        const [changed, refused, number] = [this.#changed, this.#refused, this.#done];
        this.#changed = new Map();
        this.#refused = [];
        this.#onRoom?.();
        this.#onRoom = null;
        for (const message of messagesOfKeys(wholeKeys(this.#replica.state, changed.values())))
          await this.#socket.send([message]);
        if (this.#told === number) continue;
        await this.#socket.send([...refused, { type: 'done', number }]);
        this.#told = number;
      }
    } catch {
      // The connection broke: whoever reads it hears of that.
    } finally {
      this.#isTelling = false;
    }
  }
}

function* wholeKeys(state: MergeableState, keys: Iterable<Uint8Array>): Generator<WholeKey, void> {
  for (const key of keys)
    yield {
      key,
      counter: shown(state.counter(key)),
      register: state.register(key) ?? null,
      elements: state.elements(key),
    };
}

/** Counts at the same time may pass what a number holds together. */
function shown(count: number | undefined): number | null {
  if (count === undefined) return null;
  return Math.max(-Number.MAX_SAFE_INTEGER, Math.min(count, Number.MAX_SAFE_INTEGER));
}

function fault(message: string, cause?: unknown): FunctionStateError {
  return new FunctionStateError('protocol', `mergeable state: ${message}`, cause);
}

function ended(cause?: unknown): FunctionStateError {
  return new FunctionStateError('ended', 'the connection for mergeable state ended', cause);
}
