// SPDX-License-Identifier: Apache-2.0
import { freemem } from 'node:os';
import type { FunctionGroup, GroupStatistics, TrafficCounts } from '@vnfpool/platform/cgroups';
import type { FunctionInformation, FunctionLimits } from '@vnfpool/wire/mobility';
import { Rate, RunningAverage } from './running-average.ts';
import type { StorageMeter } from './storage-meter.ts';

/** What one run of a function uses; null: this node cannot tell. */
export interface FunctionUsage {
  /** Processors kept busy lately. */
  readonly processors: number | null;
  readonly cpuMs: number;
  readonly throttledMs: number | null;
  readonly memoryBytes: number | null;
  readonly memoryPeakBytes: number | null;
  readonly memoryKills: number | null;
  readonly processes: number;
  readonly threads: number;
  readonly refusedStarts: number | null;
  /** Threads that run or wait, now and over the last minute. */
  readonly load: number;
  readonly loadAverage: number;
  readonly diskReadBytes: number | null;
  readonly diskWrittenBytes: number | null;
  readonly receivedBitsPerSecond: number | null;
  readonly sentBitsPerSecond: number | null;
}

/** Measures one run of a function, sample by sample. */
export class FunctionMeter {
  readonly #group: FunctionGroup;
  readonly #limits: FunctionLimits;
  readonly #storage: StorageMeter;
  readonly #cpu = new Rate();
  readonly #received = new Rate();
  readonly #sent = new Rate();
  /** A function begins without load, however busy its first moment is. */
  readonly #load = new RunningAverage(0);
  readonly #bandwidth = new RunningAverage();
  #last: { readonly statistics: GroupStatistics; readonly atMs: number } | null = null;

  constructor(group: FunctionGroup, limits: FunctionLimits, storage: StorageMeter) {
    this.#group = group;
    this.#limits = limits;
    this.#storage = storage;
  }

  /** Takes what it has received and sent so far, where that is counted, at a pace of its own. */
  countTraffic(atMs: number, { receivedBytes, sentBytes }: TrafficCounts): void {
    this.#received.take(receivedBytes, atMs);
    const spanMs = this.#sent.take(sentBytes, atMs);
    const now = this.#bitsPerSecond();
    if (now !== null) this.#bandwidth.add(now, spanMs);
  }

  sample(atMs: number): FunctionUsage {
    const statistics = this.#group.statistics();
    const spanMs = this.#last === null ? 0 : Math.max(0, atMs - this.#last.atMs);
    this.#last = { statistics, atMs };
    this.#storage.look(atMs);
    this.#cpu.take(statistics.cpuMs, atMs);
    this.#load.add(statistics.waiting, spanMs);
    return this.#usage(statistics);
  }

  /** The last sample; null: none yet. */
  get usage(): FunctionUsage | null {
    return this.#last === null ? null : this.#usage(this.#last.statistics);
  }

  /** Share of the processors that it may use, at least of one: 0 to 1. */
  get loadFraction(): number {
    const busy = (this.#cpu.perSecond ?? 0) / 1_000;
    return Math.min(1, busy / (this.#limits.processors ?? 1));
  }

  /**
   * As options of the service-mobility protocol. Memory (7/10) and storage (7/20) are what it uses; what is available (7/11,
   * 7/21) is the rest of its limit, without a limit what the node has left.
   */
  information(): FunctionInformation {
    if (this.#last === null) return {};
    const { statistics } = this.#last;
    const used = statistics.memoryBytes;
    const now = this.#bitsPerSecond();
    const average = this.#bandwidth.value;
    const limit = this.#limits.memoryBytes;
    return {
      load: statistics.waiting,
      loadAverage: thousandths(this.#load.value ?? 0),
      ...(used === null ? {} : { memoryBytes: BigInt(Math.round(used)) }),
      memoryFreeBytes: BigInt(
        Math.round(limit === undefined || used === null ? freemem() : Math.max(0, limit - used)),
      ),
      ...this.#storageInformation(),
      ...(now === null ? {} : { bandwidthUsedBitsPerSecond: BigInt(Math.round(now)) }),
      ...(average === null ? {} : { bandwidthAverageBitsPerSecond: BigInt(Math.round(average)) }),
    };
  }

  #storageInformation(): Pick<FunctionInformation, 'storageBytes' | 'storageFreeBytes'> {
    const { usedBytes, freeBytes } = this.#storage.use;
    return {
      ...(usedBytes === null ? {} : { storageBytes: usedBytes }),
      ...(freeBytes === null ? {} : { storageFreeBytes: freeBytes }),
    };
  }

  #bitsPerSecond(): number | null {
    const [received, sent] = [this.#received.perSecond, this.#sent.perSecond];
    return received === null || sent === null ? null : (received + sent) * 8;
  }

  #usage(statistics: GroupStatistics): FunctionUsage {
    const { waiting, ...used } = statistics;
    const bits = (rate: Rate): number | null => (rate.perSecond === null ? null : rate.perSecond * 8);
    return {
      ...used,
      processors: this.#cpu.perSecond === null ? null : this.#cpu.perSecond / 1_000,
      load: waiting,
      loadAverage: thousandths(this.#load.value ?? 0),
      receivedBitsPerSecond: bits(this.#received),
      sentBitsPerSecond: bits(this.#sent),
    };
  }
}

function thousandths(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
