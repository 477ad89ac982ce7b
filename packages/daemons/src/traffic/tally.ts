// SPDX-License-Identifier: Apache-2.0
import type { TrafficReport } from '@vnfpool/core/management';
import { Outages } from './outages.ts';

const SLICE_MS = 100;
const SLICES_MAX = 100;
const LATENCIES_MAX = 2_000;

interface Slice {
  readonly at: number;
  ok: number;
  failed: number;
}

/** Counts what requests came to. All times are wall clock, ms. */
export class Tally {
  #sent = 0;
  #ok = 0;
  #failed = 0;
  readonly #latencies: number[] = [];
  readonly #series: Slice[] = [];
  readonly #outages = new Outages();

  sent(): void {
    this.#sent += 1;
  }

  succeeded(sentAt: number, at: number): void {
    this.#ok += 1;
    this.#slice(at).ok += 1;
    this.#latencies.push(at - sentAt);
    if (this.#latencies.length > LATENCIES_MAX) this.#latencies.shift();
    this.#outages.succeeded(sentAt, at);
  }

  failed(sentAt: number, at: number, reason: string): void {
    this.#failed += 1;
    this.#slice(at).failed += 1;
    this.#outages.failed(sentAt, reason);
  }

  /** The figures so far; `outages` are those that ended, or got a new count, since the last call. */
  report(
    head: Pick<TrafficReport, 'source' | 'pool' | 'target' | 'intervalMs' | 'deadlineMs'>,
  ): TrafficReport {
    const sorted = [...this.#latencies].sort((a, b) => a - b);
    const quantile = (q: number): number =>
      sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;
    return {
      ...head,
      sent: this.#sent,
      ok: this.#ok,
      failed: this.#failed,
      latencyMsP50: quantile(0.5),
      latencyMsP99: quantile(0.99),
      outages: this.#outages.takeEnded(),
      failingSince: this.#outages.failingSince(),
      series: this.#series.map((slice) => ({ ...slice })),
    };
  }

  #slice(at: number): Slice {
    const start = Math.floor(at / SLICE_MS) * SLICE_MS;
    const last = this.#series.at(-1);
    if (last && last.at >= start) return last;
    const slice = { at: start, ok: 0, failed: 0 };
    this.#series.push(slice);
    if (this.#series.length > SLICES_MAX) this.#series.shift();
    return slice;
  }
}
