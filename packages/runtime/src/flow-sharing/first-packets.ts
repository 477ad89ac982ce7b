// SPDX-License-Identifier: Apache-2.0
import type { KeyUpdate } from '@vnfpool/core/replication';
import { isPlatformError } from '@vnfpool/platform';
import {
  type ConntrackEntry,
  type ConntrackTuple,
  IPS_DST_NAT,
  IPS_SRC_NAT,
  isWanted,
} from '@vnfpool/platform/conntrack';
import { type FirstPacket, type QueuedPacket, readFirstPacket } from '@vnfpool/platform/packet-queue';
import { WireError } from '@vnfpool/wire/bytes';
import { invertTuple, sharedFlowBody, sharedFlowKey } from '@vnfpool/wire/flow-state';
import { type Clock, systemClock } from '../driver/index.ts';
import type { SharedFlowFilter } from './flow-kernel.ts';
import type { FlowUpdates } from './flow-updates.ts';

/** A packet waits no longer: whoever sent it sends it again by then. */
const WAIT_MS = 1_000;
/** Longer than any packet waits: what was let go has begun by then. */
const SWEEP_MS = 2_000;
/** Before a way that has failed is opened again. */
const AGAIN_MS = 1_000;
/** The kernel's for a flow without an answer; whoever takes over gives it more. */
const TIMEOUT_SECONDS = 120;

/** How first packets come here, and go on. */
export interface FirstPacketWay {
  accept(ids: readonly number[]): void;
  drop(ids: readonly number[]): void;
  /** What the packet was before its translation. */
  originalOf(packet: FirstPacket): ConntrackTuple | undefined;
  /** Packets that the kernel has dropped so far, as too many wait. */
  overflowed(): number;
  /** What waits is dropped, and so is what comes, until another way takes its place. */
  close(): void;
}

export interface FirstPacketWayListener {
  packets(packets: readonly QueuedPacket[]): void;
  failed(error: Error): void;
}

/** What became of them. */
export interface FirstPacketCounts {
  /** Let go once the standbys had their flow. */
  released: number;
  /** Let go at once: of no flow that is shared, or of one that has begun. */
  passed: number;
  /** Dropped, as the standbys did not have their flow in time, or no room for it. */
  late: number;
  /** Dropped, as their flow is not known, the kernel does not tell it, or it is translated otherwise than one that has begun. */
  unknown: number;
  /** Dropped by the kernel, as too many waited. */
  overflowed: number;
}

export interface FirstPacketsOptions {
  /** Opens the way; what comes before the call returns is lost. @throws PlatformError */
  readonly open: (listener: FirstPacketWayListener) => FirstPacketWay;
  readonly flows: Pick<FlowUpdates, 'flush' | 'look' | 'announce' | 'withdraw' | 'sweep'>;
  readonly filter: SharedFlowFilter;
  /** Settles when all that may take over have these. */
  readonly change: (updates: readonly KeyUpdate[]) => Promise<void>;
  readonly onNews: (message: string, figures: Readonly<Record<string, number | string>>) => void;
  readonly clock?: Clock;
}

/** One flow whose first packet waits; further packets of it may, that are translated in the same way. */
interface Waiting {
  readonly body: string;
  readonly ids: number[];
}

/**
 * Holds the first packet of each translated flow until the standbys have the flow. One that waits longer than a second is dropped, as is
 * whatever waits when this is closed, or this process ends: so nothing is seen outside of which a standby does not know.
 */
export class FirstPackets {
  readonly #options: FirstPacketsOptions;
  readonly #clock: Clock;
  #way: FirstPacketWay;
  readonly #waiting = new Map<string, Waiting>();
  readonly #counts = { released: 0, passed: 0, late: 0, unknown: 0 };
  #dropped = 0;
  #cancelSweep: () => void = () => undefined;
  #cancelAgain: () => void = () => undefined;
  #isClosed = false;

  /** @throws PlatformError of the way */
  constructor(options: FirstPacketsOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock();
    this.#way = this.#open();
    this.#sweepLater();
  }

  get counts(): FirstPacketCounts {
    return { ...this.#counts, overflowed: this.#way.overflowed() };
  }

  /** Flows whose first packet waits. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** What waits is dropped, and counts as never begun. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelSweep();
    this.#cancelAgain();
    this.#end();
  }

  #open(): FirstPacketWay {
    return this.#options.open({
      packets: (packets) => this.#came(packets),
      failed: (error) => this.#failed(error),
    });
  }

  /** What waits is dropped. */
  #end(): void {
    this.#way.close();
    this.#options.flows.withdraw([...this.#waiting.keys()]);
    this.#waiting.clear();
  }

  /** New flows do not begin until it is open again. */
  #failed(error: Error): void {
    if (this.#isClosed) return;
    this.#options.onNews('first packets cannot be held, and are dropped', { reason: error.message });
    this.#end();
    this.#again();
  }

  #again(): void {
    this.#cancelAgain();
    this.#cancelAgain = this.#clock.at(this.#clock.nowMs() + AGAIN_MS, () => {
      try {
        this.#way = this.#open();
      } catch {
        this.#again();
      }
    });
  }

  #came(packets: readonly QueuedPacket[]): void {
    const { flows } = this.#options;
    // A flow of the same ends may have ended just now: its end is not to be told behind the new one's beginning.
    flows.flush();
    const began = new Map<string, Waiting>();
    const updates: KeyUpdate[] = [];
    const [passing, lost]: [number[], number[]] = [[], []];
    for (const { id, bytes } of packets) {
      const packet = readFirstPacket(bytes);
      const entry = packet && this.#entryOf(packet);
      if (packet === undefined || (entry !== undefined && !isWanted(entry, this.#options.filter))) {
        // Of a protocol that has no ports, or of none of our flows.
        passing.push(id);
        continue;
      }
      const outcome = entry === undefined ? 'lost' : this.#judge(entry, id, began, updates);
      if (outcome === 'passes') passing.push(id);
      if (outcome === 'lost') lost.push(id);
    }
    this.#way.accept(passing);
    this.#way.drop(lost);
    this.#counts.passed += passing.length;
    this.#counts.unknown += lost.length;
    if (updates.length > 0) void this.#hold(began, updates);
  }

  #judge(
    entry: ConntrackEntry,
    id: number,
    began: Map<string, Waiting>,
    updates: KeyUpdate[],
  ): 'passes' | 'waits' | 'lost' {
    const { flows } = this.#options;
    try {
      const key = sharedFlowKey(entry);
      const body = sharedFlowBody(entry);
      const waiting = this.#waiting.get(key);
      if (waiting !== undefined) {
        // The kernel takes one translation of a flow, that of the first.
        if (waiting.body !== body) return 'lost';
        waiting.ids.push(id);
        return 'waits';
      }
      const there = flows.look(key);
      if (there !== undefined) return isSameReply(there, entry) ? 'passes' : 'lost';
      updates.push(flows.announce(key, entry));
      const flow: Waiting = { body, ids: [id] };
      this.#waiting.set(key, flow);
      began.set(key, flow);
      return 'waits';
    } catch (error) {
      // Whether it has begun otherwise is not known.
      if (isPlatformError(error)) return 'lost';
      // It cannot be told, now or later.
      if (error instanceof WireError) return 'passes';
      throw error;
    }
  }

  async #hold(flows: ReadonlyMap<string, Waiting>, updates: readonly KeyUpdate[]): Promise<void> {
    const untilMs = this.#clock.nowMs() + WAIT_MS;
    const cancel = this.#clock.at(untilMs, () =>
      this.#lose(flows, 'the standbys do not have their flow in time'),
    );
    try {
      await this.#options.change(updates);
    } catch (error) {
      cancel();
      this.#lose(flows, (error as Error).message);
      return;
    }
    cancel();
    // This process may have stood still: others may have the slot by now.
    if (this.#clock.nowMs() >= untilMs) this.#lose(flows, 'this node stood still');
    else this.#release(flows);
  }

  #release(flows: ReadonlyMap<string, Waiting>): void {
    const ids = this.#taken(flows);
    this.#way.accept(ids);
    this.#counts.released += ids.length;
    if (ids.length === 0 || this.#dropped === 0) return;
    this.#options.onNews('first packets are let go again', { dropped: this.#dropped });
    this.#dropped = 0;
  }

  #lose(flows: ReadonlyMap<string, Waiting>, reason: string): void {
    const keys = [...flows].filter(([key, flow]) => this.#waiting.get(key) === flow).map(([key]) => key);
    const ids = this.#taken(flows);
    if (ids.length === 0) return;
    this.#way.drop(ids);
    this.#options.flows.withdraw(keys);
    this.#counts.late += ids.length;
    if (this.#dropped === 0) this.#options.onNews('first packets are dropped', { reason });
    this.#dropped += ids.length;
  }

  /** Those that still wait, and do no more. */
  #taken(flows: ReadonlyMap<string, Waiting>): number[] {
    const ids: number[] = [];
    for (const [key, flow] of flows) {
      if (this.#waiting.get(key) !== flow) continue;
      this.#waiting.delete(key);
      ids.push(...flow.ids);
    }
    return ids;
  }

  #entryOf(packet: FirstPacket): ConntrackEntry | undefined {
    const original = this.#way.originalOf(packet);
    if (original === undefined) return undefined;
    return {
      original,
      // What it looks like now is what answers are the inverse of.
      reply: invertTuple(packet.tuple),
      zone: 0,
      zoneDirection: 'both',
      status: IPS_SRC_NAT | IPS_DST_NAT,
      timeoutSeconds: TIMEOUT_SECONDS,
      mark: 0,
      tcp: packet.tcp,
      sctp: null,
      helper: null,
      labels: null,
      counters: null,
      master: null,
      shifts: null,
    };
  }

  #sweepLater(): void {
    this.#cancelSweep = this.#clock.at(this.#clock.nowMs() + SWEEP_MS, () => {
      this.#options.flows.sweep();
      this.#sweepLater();
    });
  }
}

function isSameReply(one: ConntrackEntry, other: ConntrackEntry): boolean {
  const plain = { tcp: null, sctp: null, helper: null, labels: null, master: null, shifts: null };
  const bodyOf = (entry: ConntrackEntry): string =>
    sharedFlowBody({ ...entry, ...plain, status: 0, mark: 0 });
  return bodyOf(one) === bodyOf(other);
}
