// SPDX-License-Identifier: Apache-2.0
import {
  type CancelReason,
  joinCrc32,
  type PartKind,
  type StateBegin,
  type StateMark,
} from '@vnfpool/wire/state-channel';
import type { Tally, TransferRules } from './rules.ts';
import type { Checksum } from './types.ts';

/** Why the transfer has to be given up. */
export interface PartFault {
  readonly reason: CancelReason;
  readonly text: string;
}

/** Checks parts as they come: their order, the window, the bounds and the digests. */
export class PartReceiver {
  readonly #rules: TransferRules;
  readonly #checksum: Checksum;
  readonly #windowBytes: number;
  readonly #bytesMax: number;
  readonly #partsMax: number;
  #part = -1;
  #kind: PartKind = 'snapshot';
  /** `open` between begin and mark, `closed` until the function has it in, then `in`. */
  #state: 'open' | 'closed' | 'in' = 'in';
  #bytes = 0;
  #crc = 0;
  #totalBytes = 0;
  /** Of the parts that are complete. */
  #totalCrc = 0;
  #consumedBytes = 0;
  #creditBytes: number;
  #sessions: number | null = null;

  constructor(
    rules: TransferRules,
    checksum: Checksum,
    windowBytes: number,
    bytesMax: number,
    partsMax: number,
  ) {
    this.#rules = rules;
    this.#checksum = checksum;
    this.#windowBytes = windowBytes;
    this.#creditBytes = windowBytes;
    this.#bytesMax = bytesMax;
    this.#partsMax = partsMax;
  }

  get part(): number {
    return this.#part;
  }

  get isLast(): boolean {
    return this.#kind === 'last';
  }

  /** Octets with those of the part under way; the digest is of the parts up to the last mark. */
  get total(): Tally {
    return { bytes: this.#totalBytes, crc: this.#totalCrc };
  }

  /** As the newest mark has it. */
  get sessions(): number | null {
    return this.#sessions;
  }

  begin({ part, kind, bytesExpected }: StateBegin): PartFault | null {
    if (this.#state !== 'in') return protocol(`part ${part} begins within part ${this.#part}`);
    if (part !== this.#part + 1) return protocol(`part ${part} after ${this.#part}`);
    if ((kind === 'snapshot') !== (part === 0)) return protocol(`part ${part} is a ${kind}`);
    if (this.isLast) return protocol('a part after the last');
    if (part >= this.#partsMax) return { reason: 'resources', text: `more than ${this.#partsMax} parts` };
    if ((bytesExpected ?? 0) > this.#bytesMax - this.#totalBytes)
      return { reason: 'resources', text: `${bytesExpected} octets expected` };
    this.#part = part;
    this.#kind = kind;
    this.#state = 'open';
    this.#bytes = 0;
    this.#crc = 0;
    return null;
  }

  chunk(octets: Uint8Array): PartFault | null {
    if (this.#state !== 'open') return protocol('a chunk outside a part');
    if (this.#totalBytes + octets.length > this.#creditBytes) return protocol('more octets than credit');
    if (this.#totalBytes + octets.length > this.#bytesMax)
      return { reason: 'resources', text: `more than ${this.#bytesMax} octets` };
    this.#bytes += octets.length;
    this.#crc = this.#checksum(octets, this.#crc);
    this.#totalBytes += octets.length;
    return null;
  }

  mark(mark: StateMark): PartFault | null {
    if (this.#state !== 'open' || mark.part !== this.#part) return protocol(`mark of part ${mark.part}`);
    const part = { bytes: this.#bytes, crc: this.#crc };
    this.#totalCrc = joinCrc32(this.#totalCrc, this.#crc, this.#bytes);
    const intact =
      this.#rules.isIntact({ bytes: mark.bytes, crc: mark.crc }, part) &&
      this.#rules.isIntact({ bytes: mark.totalBytes, crc: mark.totalCrc }, this.total);
    if (!intact) return { reason: 'integrity', text: `part ${mark.part} is not what was sent` };
    this.#state = 'closed';
    this.#sessions = mark.sessions;
    return null;
  }

  /** The function has the part in, with so many sessions. */
  imported(part: number, sessions: number | null): PartFault | null {
    if (this.#state !== 'closed' || part !== this.#part)
      return { reason: 'function', text: `part ${part} imported out of turn` };
    this.#state = 'in';
    if (this.isLast && sessions !== null && this.#sessions !== null && sessions !== this.#sessions)
      return { reason: 'integrity', text: `${sessions} sessions of ${this.#sessions}` };
    return null;
  }

  /** The function took octets; returns the new credit when it is worth a message. */
  consumed(bytes: number): number | null {
    this.#consumedBytes = Math.min(this.#totalBytes, this.#consumedBytes + bytes);
    const until = this.#consumedBytes + this.#windowBytes;
    if (until - this.#creditBytes < this.#windowBytes / 4) return null;
    this.#creditBytes = until;
    return until;
  }
}

function protocol(text: string): PartFault {
  return { reason: 'protocol', text };
}
