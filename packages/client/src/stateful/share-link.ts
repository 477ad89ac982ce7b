// SPDX-License-Identifier: Apache-2.0
import { framesOfUpdates, ReplicaSocket } from '@vnfpool/runtime/replication';
import { OctetReader } from '@vnfpool/transport/local';
import type { SecurityState } from '@vnfpool/wire/mobility';
import type { ReplicaMessage, ReplicaUpdate } from '@vnfpool/wire/replication';
import { PoolError } from '../pool-error.ts';

/** One key of the state, as octets in characters U+0000 to U+00FF; null: it is no more. */
export type OctetChange = Omit<ReplicaUpdate, 'sequence'>;

export interface ShareEvents {
  /** Effects of all changes up to this number may be let out. */
  readonly onAcknowledged: (sequence: number) => void;
  /** The slot is held no more. Changes behind this number may be lost. */
  readonly onEnded: (sequence: number) => void;
  /** The agent is gone; the slot may still be held. */
  readonly onCut: (error: PoolError) => void;
}

/** The function's end of one connection over which it shares its state. */
export class ShareLink {
  readonly #reader: OctetReader;
  readonly #socket: ReplicaSocket;
  #events: ShareEvents | null = null;
  #mark = 0;
  #sequence = 0;
  #acknowledged = 0;
  #queue: ReplicaUpdate[] = [];
  #isWriting = false;
  #state: 'open' | 'ending' | 'over' = 'open';

  /** What becomes of secrets. */
  readonly securityState: SecurityState;

  private constructor(path: string, securityState: SecurityState) {
    this.securityState = securityState;
    this.#reader = OctetReader.connect(path);
    this.#socket = new ReplicaSocket(this.#reader);
  }

  /** @param securityState as the agent has said; an older one says nothing, and takes no secrets */
  static connect(path: string, securityState: SecurityState = 'excluded'): ShareLink {
    return new ShareLink(path, securityState);
  }

  /** What the agent has, first: as it comes, many at once. @throws WireError, PoolError */
  async *entries(): AsyncGenerator<readonly OctetChange[], void> {
    let keys = 0;
    for (;;) {
      const message = await this.#socket.next();
      if (message === null) throw new PoolError('closed', 'the state ended before its mark');
      if (message.type !== 'updates') throw new PoolError('internal', `the agent says ${message.type} first`);
      keys += message.updates.length;
      yield message.updates;
      if (message.mark === null) continue;
      if (message.mark.keys !== keys)
        throw new PoolError('internal', `${keys} entries came of ${message.mark.keys}`);
      this.#mark = message.mark.sequence;
      return;
    }
  }

  /** Confirms the state, behind what corrects it; `change` may be called from now on. @returns number of the last correction */
  begin(corrections: readonly OctetChange[], events: ShareEvents): number {
    this.#events = events;
    for (const correction of corrections) this.#number(correction);
    const first = this.#queue;
    this.#queue = [];
    void this.#listen();
    void this.#write(async () => {
      await this.#sendAll(first);
      await this.#socket.send({ type: 'ack', sequence: this.#mark, bytes: 0, clockUs: 0 });
    });
    return this.#sequence;
  }

  /** @returns the number of the change */
  change(change: OctetChange): number {
    this.#number(change);
    if (!this.#isWriting) void this.#write(() => Promise.resolve());
    return this.#sequence;
  }

  /** The agent has given it up. */
  abort(cause: unknown): void {
    this.#broke(cause);
  }

  /** Ends it, without a word to whoever began it. */
  cut(): void {
    this.#events = null;
    this.#over();
  }

  #number(change: OctetChange): void {
    this.#sequence += 1;
    this.#queue.push({ ...change, sequence: this.#sequence });
  }

  async #write(first: () => Promise<void>): Promise<void> {
    this.#isWriting = true;
    try {
      // Changes of one turn go together.
      await first();
      while (this.#queue.length > 0 && this.#state !== 'over') {
        const changes = this.#queue;
        this.#queue = [];
        await this.#sendAll(changes);
      }
      if (this.#state === 'ending') this.#close();
    } catch (error) {
      this.#broke(error);
    } finally {
      this.#isWriting = false;
    }
  }

  async #sendAll(changes: readonly ReplicaUpdate[]): Promise<void> {
    for (const { updates } of framesOfUpdates(changes))
      await this.#socket.send({ type: 'updates', updates, mark: null });
  }

  async #listen(): Promise<void> {
    try {
      while (this.#state === 'open') {
        const message = await this.#socket.next();
        if (message === null) throw new PoolError('closed', 'the agent closed the connection');
        this.#take(message);
      }
    } catch (error) {
      this.#broke(error);
    }
  }

  #take(message: ReplicaMessage): void {
    if (message.type !== 'ack' && message.type !== 'end')
      throw new PoolError('internal', `the agent says ${message.type}`);
    const { sequence } = message;
    if (sequence > this.#sequence || sequence < this.#acknowledged)
      throw new PoolError('internal', `the agent acknowledges ${sequence} of ${this.#sequence} changes`);
    this.#acknowledged = sequence;
    if (message.type === 'ack') {
      this.#events?.onAcknowledged(sequence);
      return;
    }
    this.#state = 'ending';
    const events = this.#events;
    this.#events = null;
    if (!this.#isWriting) this.#close();
    events?.onEnded(sequence);
  }

  /** Behind what was written. */
  #close(): void {
    this.#state = 'over';
    this.#socket.end();
  }

  #broke(cause: unknown): void {
    const events = this.#events;
    this.#events = null;
    this.#over();
    events?.onCut(new PoolError('closed', 'the connection for shared state ended', cause));
  }

  #over(): void {
    this.#state = 'over';
    this.#queue = [];
    this.#socket.destroy();
  }
}
