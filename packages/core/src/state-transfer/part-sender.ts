// SPDX-License-Identifier: Apache-2.0
import {
  joinCrc32,
  type PartKind,
  STATE_CHUNK_BYTES_MAX,
  type StateBegin,
  type StateChunk,
  type StateMark,
} from '@vnfpool/wire/state-channel';
import type { Tally } from './rules.ts';
import type { Checksum } from './types.ts';

/** Cuts what the function gives into chunks, as far as the destination's credit goes, and adds up the digests. */
export class PartSender {
  readonly #checksum: Checksum;
  #part = -1;
  #bytes = 0;
  #crc = 0;
  #totalBytes = 0;
  /** Of the parts that are complete. */
  #totalCrc = 0;
  #creditBytes = 0;
  /** What is left of the function's last chunk. There is never a second. */
  #rest: Uint8Array | null = null;
  #end: { readonly sessions: number | null } | null = null;

  constructor(checksum: Checksum) {
    this.#checksum = checksum;
  }

  get part(): number {
    return this.#part;
  }

  /** Octets with those of the part under way; the digest is of the parts up to the last mark. */
  get total(): Tally {
    return { bytes: this.#totalBytes, crc: this.#totalCrc };
  }

  /** True when the function may hand in more. */
  get isDrained(): boolean {
    return this.#rest === null;
  }

  begin(kind: PartKind, bytesExpected: number | null): StateBegin {
    this.#part += 1;
    this.#bytes = 0;
    this.#crc = 0;
    this.#end = null;
    return { type: 'begin', part: this.#part, kind, bytesExpected };
  }

  add(octets: Uint8Array): void {
    this.#rest = octets;
  }

  end(sessions: number | null): void {
    this.#end = { sessions };
  }

  /** False: credit that falls, which no peer may send. */
  credit(untilBytes: number): boolean {
    if (untilBytes < this.#creditBytes) return false;
    this.#creditBytes = untilBytes;
    return true;
  }

  /** The next message that may be sent; null: wait for credit or for the function. */
  next(): StateChunk | StateMark | null {
    if (this.#rest === null) return this.#mark();
    const room = Math.min(STATE_CHUNK_BYTES_MAX, this.#creditBytes - this.#totalBytes);
    if (room <= 0) return null;
    const octets = this.#rest.subarray(0, room);
    this.#rest = octets.length === this.#rest.length ? null : this.#rest.subarray(octets.length);
    this.#bytes += octets.length;
    this.#crc = this.#checksum(octets, this.#crc);
    this.#totalBytes += octets.length;
    return { type: 'chunk', octets };
  }

  #mark(): StateMark | null {
    if (this.#end === null) return null;
    const { sessions } = this.#end;
    this.#end = null;
    this.#totalCrc = joinCrc32(this.#totalCrc, this.#crc, this.#bytes);
    return {
      type: 'mark',
      part: this.#part,
      bytes: this.#bytes,
      crc: this.#crc,
      totalBytes: this.#totalBytes,
      totalCrc: this.#totalCrc,
      sessions,
    };
  }
}
