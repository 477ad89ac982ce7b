// SPDX-License-Identifier: Apache-2.0
import { framesOfUpdates, type ReplicaSocket } from '@vnfpool/runtime/replication';
import { FrameError } from '@vnfpool/transport/framing';
import { WireError } from '@vnfpool/wire/bytes';
import { REPLICA_SECRET_BYTES_MAX, type ReplicaMessage, type ReplicaUpdate } from '@vnfpool/wire/replication';
import { FunctionStateError } from '../function-state/function-state.ts';
import { type ChangeSink, ChangeWindow } from './change-window.ts';
import type { StateEntry } from './state-source.ts';

/** Updates that are given on at once: a frame may have 65,000 small ones. */
const TOGETHER_MAX = 4_096;

/** Runs what waits for the function, within its time: that it takes octets, or that it confirms the state. */
export type Bounded = <Result>(turn: 'take' | 'confirm', run: () => Promise<Result>) => Promise<Result>;

/**
 * The agent's end of one connection over which a function shares its state: gives it the state, then takes changes and says
 * up to which their effect may be let out.
 */
export class SharedStream {
  readonly #socket: ReplicaSocket;
  readonly #window: ChangeWindow;
  /** Number of the last update that came. */
  #received = 0;
  /** Acknowledged last. */
  #told = 0;
  #isTelling = false;
  #isEnding = false;
  #isCut = false;

  /** @param onRefused the sink did not take what came: the function has more state than there is room for */
  constructor(socket: ReplicaSocket, sink: ChangeSink, onRefused: (error: FunctionStateError) => void) {
    this.#socket = socket;
    this.#window = new ChangeWindow(sink, {
      onSettled: () => void this.#tell(),
      onRefused: (error) =>
        onRefused(new FunctionStateError('too-large', `its state was not taken: ${error.message}`, error)),
    });
  }

  /**
   * Gives all entries and waits until the function has made them, and only them, its state.
   * @param isOwn the function may keep its own, and correct the entries by updates before it confirms
   */
  async begin(entries: Iterable<StateEntry>, isOwn: boolean, bounded: Bounded): Promise<void> {
    let keys = 0;
    const numbered = function* (): Generator<ReplicaUpdate> {
      for (const [key, value, secret] of entries) {
        keys += 1;
        yield { sequence: keys, key, value, ...(secret && { secret }) };
      }
    };
    const give = (message: ReplicaMessage): Promise<void> => bounded('take', () => this.#send(message));
    for (const { updates } of framesOfUpdates(numbered()))
      await give({ type: 'updates', updates, mark: null });
    // Between neighbours on one host nothing is to be checked by a digest, and no round trip is measured.
    await give({ type: 'updates', updates: [], mark: { sequence: keys, keys, digest: 0n, clockUs: 0 } });
    for (;;) {
      const message = await bounded('confirm', () => this.#next());
      if (message === null) throw ended();
      if (message.type === 'ack') {
        if (message.sequence !== keys) throw fault(`it confirms ${message.sequence}, the mark is ${keys}`);
        return;
      }
      if (!isOwn && message.type === 'updates')
        throw fault('it changes the state before it has confirmed it');
      await this.#take(message);
    }
  }

  /** Takes changes until the function has closed its end. @throws FunctionStateError */
  async run(): Promise<void> {
    for (;;) {
      const message = await this.#next();
      if (message === null) {
        if (this.#isEnding) return;
        throw ended();
      }
      await this.#take(message);
    }
  }

  /** Asks the function for what it has still to say, and to close; `run` resolves then. */
  async end(): Promise<void> {
    this.#isEnding = true;
    this.#told = this.#window.settled;
    await this.#send({ type: 'end', sequence: this.#told });
  }

  /** Resolves when the sink is done with all that came. */
  async taken(): Promise<void> {
    await this.#window.empty();
  }

  /** Cuts it: to the function the agent is gone. */
  destroy(): void {
    this.#isCut = true;
    this.#window.close();
    this.#socket.destroy();
  }

  async #next(): Promise<ReplicaMessage | null> {
    try {
      return await this.#socket.next();
    } catch (error) {
      if (error instanceof WireError || error instanceof FrameError) throw fault(error.message, error);
      throw ended(error);
    }
  }

  async #send(message: ReplicaMessage): Promise<void> {
    try {
      await this.#socket.send(message);
    } catch (error) {
      throw ended(error);
    }
  }

  async #take(message: ReplicaMessage): Promise<void> {
    // Read before it was cut: the function has been, or will be, given the state without it.
    if (this.#isCut) throw ended();
    if (message.type !== 'updates') throw fault(`${message.type} is nothing that it has to say here`);
    if (message.mark !== null) throw fault('a mark is nothing that it has to say here');
    for (const { sequence, value, secret } of message.updates) {
      if (secret === 'value' && value !== null && value.length > REPLICA_SECRET_BYTES_MAX)
        throw fault(`a secret of ${value.length} octets, at most ${REPLICA_SECRET_BYTES_MAX}`);
      if (sequence !== this.#received + 1) throw fault(`update ${sequence} follows ${this.#received}`);
      this.#received = sequence;
    }
    for (let at = 0; at < message.updates.length; at += TOGETHER_MAX) {
      if (this.#isCut) throw ended();
      this.#window.give(message.updates.slice(at, at + TOGETHER_MAX));
      await this.#window.room();
    }
  }

  /** One acknowledgement at a time is on its way; a function that does not read gets the last number later. */
  async #tell(): Promise<void> {
    if (this.#isTelling) return;
    this.#isTelling = true;
    try {
      while (!this.#isEnding && this.#told < this.#window.settled) {
        this.#told = this.#window.settled;
        await this.#send({ type: 'ack', sequence: this.#told, bytes: 0, clockUs: 0 });
      }
    } catch {
      // The connection broke: whoever reads it hears of that.
    } finally {
      this.#isTelling = false;
    }
  }
}

function fault(message: string, cause?: unknown): FunctionStateError {
  return new FunctionStateError('protocol', `shared state: ${message}`, cause);
}

function ended(cause?: unknown): FunctionStateError {
  return new FunctionStateError('ended', 'the connection for shared state ended', cause);
}
