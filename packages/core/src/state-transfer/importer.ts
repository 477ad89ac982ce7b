// SPDX-License-Identifier: Apache-2.0
import {
  crc32,
  type StateBegin,
  type StateChunk,
  type StateHello,
  type StateMark,
  type StateMessage,
} from '@vnfpool/wire/state-channel';
import { type PartFault, PartReceiver } from './part-receiver.ts';
import type { Tally, TransferRules } from './rules.ts';
import type { DestinationOptions, DestinationOutput, TransferReport } from './types.ts';

/** Hands part after part to the function, and gives credit for what it has taken in. */
export class Importer {
  readonly #receiver: PartReceiver;
  readonly #windowBytes: number;
  readonly #forward: DestinationOptions['forward'];
  readonly #send: (message: StateMessage, nowMs: number) => void;
  readonly #emit: (output: DestinationOutput) => void;
  #hello: StateHello | null = null;
  #openedAtMs = 0;

  constructor(
    options: DestinationOptions,
    rules: TransferRules,
    send: (message: StateMessage, nowMs: number) => void,
    emit: (output: DestinationOutput) => void,
  ) {
    const { windowBytes = 2_097_152, bytesMax = 64 * 2 ** 30, partsMax = 64 } = options;
    this.#receiver = new PartReceiver(rules, options.checksum ?? crc32, windowBytes, bytesMax, partsMax);
    this.#windowBytes = windowBytes;
    this.#forward = options.forward;
    this.#send = send;
    this.#emit = emit;
  }

  get total(): Tally {
    return this.#receiver.total;
  }

  get isLast(): boolean {
    return this.#receiver.isLast;
  }

  /** As the source counted them at the newest mark. */
  get sessions(): number | null {
    return this.#receiver.sessions;
  }

  open(hello: StateHello, nowMs: number): void {
    this.#hello = hello;
    this.#openedAtMs = nowMs;
    const forward = this.#forward === undefined ? {} : { forward: this.#forward };
    this.#send({ type: 'welcome', windowBytes: this.#windowBytes, ...forward }, nowMs);
  }

  take(message: StateBegin | StateChunk | StateMark): PartFault | null {
    switch (message.type) {
      case 'begin': {
        const fault = this.#receiver.begin(message);
        if (fault !== null || this.#hello === null) return fault;
        const { mode, selection } = this.#hello;
        this.#emit({ type: 'import', part: message.part, kind: message.kind, mode, selection });
        return null;
      }
      case 'chunk': {
        const { octets } = message;
        const fault = this.#receiver.chunk(octets);
        if (fault === null) this.#emit({ type: 'import-chunk', part: this.#receiver.part, octets });
        return fault;
      }
      case 'mark': {
        const fault = this.#receiver.mark(message);
        if (fault === null) this.#emit({ type: 'import-end', part: message.part });
        return fault;
      }
    }
  }

  consumed(bytes: number, nowMs: number): void {
    const untilBytes = this.#receiver.consumed(bytes);
    if (untilBytes !== null) this.#send({ type: 'credit', untilBytes }, nowMs);
  }

  /** The function has the part in. */
  imported(part: number, sessions: number | null): PartFault | null {
    return this.#receiver.imported(part, sessions);
  }

  /** Tells the source. */
  confirm(nowMs: number): void {
    const { part, total } = this.#receiver;
    this.#send({ type: 'marked', part, totalBytes: total.bytes, totalCrc: total.crc }, nowMs);
  }

  /** What the source expects is known to the source. */
  report(nowMs: number): Omit<TransferReport, 'phase'> {
    const { bytes } = this.#receiver.total;
    const sinceMs = Math.max(1, nowMs - this.#openedAtMs);
    return {
      bytes,
      bytesTotal: null,
      bytesPerSecond: this.#hello === null ? 0 : (bytes * 1000) / sinceMs,
      changePerSecond: 0,
      expectedPauseMs: null,
      expectedEndMs: null,
    };
  }
}
