// SPDX-License-Identifier: Apache-2.0
import { crc32, type PartKind, type StateMarked, type StateMessage } from '@vnfpool/wire/state-channel';
import { Forecast } from './forecast.ts';
import { PartSender } from './part-sender.ts';
import { type Tally, TransferRules } from './rules.ts';
import type { SourceOptions, SourceOutput, TransferReport } from './types.ts';

/**
 * Takes part after part from the function, one chunk for each `pull`, and sends it as credit allows: there is never more
 * than one chunk of the function waiting.
 */
export class Exporter {
  readonly forecast: Forecast;
  readonly #rules: TransferRules;
  readonly #sizeBytes: number | undefined;
  readonly #send: (message: StateMessage, nowMs: number) => void;
  readonly #emit: (output: SourceOutput) => void;
  readonly #sender: PartSender;
  #kind: PartKind = 'snapshot';
  /** The function owes the next chunk or the end of the part. */
  #isPulling = false;
  #isExporting = false;
  #isMarkSent = false;
  #changePerSecond: number | null = null;

  constructor(
    options: SourceOptions,
    send: (message: StateMessage, nowMs: number) => void,
    emit: (output: SourceOutput) => void,
  ) {
    this.forecast = new Forecast(options.pauseMaxMs ?? 1000, options.deltasMax ?? 16);
    this.#rules = options.rules ?? new TransferRules();
    this.#sender = new PartSender(options.checksum ?? crc32);
    this.#sizeBytes = options.sizeBytes;
    this.#send = send;
    this.#emit = emit;
  }

  get total(): Tally {
    return this.#sender.total;
  }

  get kind(): PartKind {
    return this.#kind;
  }

  begin(kind: PartKind, nowMs: number): void {
    const expected = kind === 'snapshot' ? this.#sizeBytes : this.forecast.pendingBytes(nowMs);
    this.#kind = kind;
    this.#isExporting = true;
    this.#isPulling = true;
    this.#isMarkSent = false;
    this.#send(this.#sender.begin(kind, expected ?? null), nowMs);
    this.forecast.cut(nowMs);
    this.#emit({ type: 'export', part: this.#sender.part, kind });
  }

  /** Whether the function owes something of this part: what comes late or unasked counts for nothing. */
  isOwed(part: number): boolean {
    return this.#isPulling && part === this.#sender.part;
  }

  chunk(octets: Uint8Array, nowMs: number): void {
    this.#isPulling = false;
    this.#sender.add(octets);
    this.#drain(nowMs);
  }

  end(sessions: number | null, changePerSecond: number | null, nowMs: number): void {
    this.#isPulling = false;
    this.#isExporting = false;
    this.#changePerSecond = changePerSecond;
    this.#sender.end(sessions);
    this.#drain(nowMs);
  }

  /** False: credit that falls, which no peer may send. */
  credit(untilBytes: number, nowMs: number): boolean {
    if (!this.#sender.credit(untilBytes)) return false;
    this.#drain(nowMs);
    return true;
  }

  /** False: not what was sent last. */
  marked({ part, totalBytes, totalCrc }: StateMarked, nowMs: number): boolean {
    if (!this.#isMarkSent || part !== this.#sender.part) return false;
    if (!this.#rules.isIntact(this.#sender.total, { bytes: totalBytes, crc: totalCrc })) return false;
    this.#isMarkSent = false;
    this.forecast.marked(nowMs);
    return true;
  }

  /** Nothing more is taken from the function. */
  stop(): void {
    this.#isExporting = false;
    this.#isPulling = false;
  }

  report(nowMs: number): Omit<TransferReport, 'phase'> {
    const { bytesPerSecond, changePerSecond } = this.forecast;
    const { bytes } = this.#sender.total;
    const pauseMs = this.forecast.expectedPauseMs(nowMs);
    const bytesTotal = this.#bytesTotal(bytes, nowMs);
    return {
      bytes,
      bytesTotal,
      bytesPerSecond,
      changePerSecond: changePerSecond ?? 0,
      expectedPauseMs: pauseMs,
      expectedEndMs:
        bytesTotal === null || pauseMs === null || bytesPerSecond === 0
          ? null
          : ((bytesTotal - bytes) * 1000) / bytesPerSecond + pauseMs,
    };
  }

  #bytesTotal(bytes: number, nowMs: number): number | null {
    if (this.#kind === 'snapshot' && (this.#isExporting || this.#sender.part < 0))
      return this.#sizeBytes === undefined ? null : Math.max(this.#sizeBytes, bytes);
    return bytes + (this.forecast.pendingBytes(nowMs) ?? 0);
  }

  #drain(nowMs: number): void {
    for (let next = this.#sender.next(); next !== null; next = this.#sender.next()) {
      this.#send(next, nowMs);
      if (next.type === 'chunk') continue;
      this.#isMarkSent = true;
      this.forecast.sent(next.bytes, this.#changePerSecond, nowMs);
    }
    if (!this.#isExporting || this.#isPulling || !this.#sender.isDrained) return;
    this.#isPulling = true;
    this.#emit({ type: 'pull', part: this.#sender.part });
  }
}
