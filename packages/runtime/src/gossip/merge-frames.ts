// SPDX-License-Identifier: Apache-2.0
import { type FrameRule, Framer } from '@vnfpool/transport/framing';
import { type OctetReader, writeTogether } from '@vnfpool/transport/local';
import {
  decodeMerge,
  encodeMerge,
  MERGE_FRAME_BYTES_MAX,
  MERGE_HEADER_BYTES,
  type MergeKey,
  type MergeMessage,
  mergeFrameBytes,
} from '@vnfpool/wire/merge-link';

const mergeRule: FrameRule = {
  headerBytes: MERGE_HEADER_BYTES,
  frameBytes: mergeFrameBytes,
  frameBytesMax: MERGE_FRAME_BYTES_MAX,
};

/** Octets from which on a frame goes; with the longest string behind it, it still is within its bound. */
const FRAME_OCTETS = 61_440;

/** Frames of mergeable state over a local socket: an agent and its function talk so. Reads only when it is asked to. */
export class MergeSocket {
  readonly #reader: OctetReader;
  readonly #framer = new Framer(mergeRule);

  constructor(reader: OctetReader) {
    this.#reader = reader;
  }

  /**
   * The next message, whose octets stay good; null at the end. One call at a time.
   * @throws WireError, FrameError for what is no message; Error when the connection broke, or ended in the middle of a frame
   */
  async next(): Promise<MergeMessage | null> {
    for (;;) {
      const frame = this.#framer.next();
      if (frame !== null) return decodeMerge(frame);
      const octets = await this.#reader.next();
      if (octets === null) {
        if (this.#framer.midFrame) throw new Error('the connection ended in the middle of a frame');
        return null;
      }
      // The reader's memory is read into again.
      this.#framer.feed(new Uint8Array(octets));
    }
  }

  /** Resolves when the system has taken them all. @throws WireError, Error when the connection broke */
  send(messages: readonly MergeMessage[]): Promise<void> {
    return writeTogether(
      this.#reader.socket,
      messages.map((message) => encodeMerge(message)),
    );
  }

  destroy(): void {
    this.#reader.socket.destroy();
  }
}

/** What a key has, whole. */
export type WholeKey = Omit<MergeKey, 'isFirst' | 'isLast'>;

/** Keys as messages, as many to one as go well together, a large set in several. */
export function* messagesOfKeys(
  keys: Iterable<WholeKey>,
): Generator<Extract<MergeMessage, { readonly type: 'keys' }>, void> {
  let together: MergeKey[] = [];
  let octets = 0;
  for (const part of partsOf(keys)) {
    together.push(part);
    octets += octetsOf(part);
    if (octets < FRAME_OCTETS) continue;
    yield { type: 'keys', keys: together };
    together = [];
    octets = 0;
  }
  if (together.length > 0) yield { type: 'keys', keys: together };
}

function* partsOf(keys: Iterable<WholeKey>): Generator<MergeKey, void> {
  for (const { elements, ...key } of keys) {
    let at = 0;
    do {
      const isFirst = at === 0;
      let octets = 0;
      const from = at;
      for (; at < elements.length && octets < FRAME_OCTETS / 2; at++)
        octets += (elements[at]?.length ?? 0) + 2;
      const some = elements.slice(from, at);
      const isLast = at >= elements.length;
      const has = isFirst ? key : { ...key, counter: null, register: null };
      yield { ...has, elements: some, isFirst, isLast };
    } while (at < elements.length);
  }
}

function octetsOf({ key, register, elements }: MergeKey): number {
  const all = elements.reduce((sum, element) => sum + element.length + 2, 0);
  return key.length + (register?.length ?? 0) + all + 16;
}
