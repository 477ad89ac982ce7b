// SPDX-License-Identifier: Apache-2.0
import { Framer } from '@vnfpool/transport/framing';
import { type OctetReader, writeTogether } from '@vnfpool/transport/local';
import {
  decodeReplica,
  encodeReplica,
  type ReplicaMessage,
  type ReplicaUpdate,
  updateWeight,
} from '@vnfpool/wire/replication';
import { replicationRule } from './frames.ts';

/** Weight of updates from which on a frame goes; with the heaviest one behind it, it still is within its bound. */
const FRAME_WEIGHT = 65_536;

/** Updates, as many to a frame as go well together. */
export function* framesOfUpdates(
  updates: Iterable<ReplicaUpdate>,
): Generator<{ readonly updates: readonly ReplicaUpdate[]; readonly weight: number }, void> {
  let frame: ReplicaUpdate[] = [];
  let weight = 0;
  for (const update of updates) {
    frame.push(update);
    weight += updateWeight(update);
    if (weight < FRAME_WEIGHT) continue;
    yield { updates: frame, weight };
    frame = [];
    weight = 0;
  }
  if (frame.length > 0) yield { updates: frame, weight };
}

/** Frames of replication over a local socket: an agent and its function talk so of shared state. Reads only when it is asked to. */
export class ReplicaSocket {
  readonly #reader: OctetReader;
  readonly #framer = new Framer(replicationRule);

  constructor(reader: OctetReader) {
    this.#reader = reader;
  }

  /**
   * The next message, whose octets stay good; null at the end. One call at a time.
   * @throws WireError, FrameError for what is no message; Error when the connection broke, or ended in the middle of a frame
   */
  async next(): Promise<ReplicaMessage | null> {
    for (;;) {
      const frame = this.#framer.next();
      if (frame !== null) return decodeReplica(frame);
      const octets = await this.#reader.next();
      if (octets === null) {
        if (this.#framer.midFrame) throw new Error('the connection ended in the middle of a frame');
        return null;
      }
      // The reader's memory is read into again.
      this.#framer.feed(new Uint8Array(octets));
    }
  }

  /** Resolves when the system has taken it. @throws WireError, Error when the connection broke */
  send(message: ReplicaMessage): Promise<void> {
    return writeTogether(this.#reader.socket, [encodeReplica(message)]);
  }

  /** Closes behind what was sent. */
  end(): void {
    this.#reader.socket.destroySoon();
  }

  destroy(error?: Error): void {
    this.#reader.socket.destroy(error);
  }
}
