// SPDX-License-Identifier: Apache-2.0
import { replicationRule } from '@vnfpool/runtime/replication';
import { FrameError, Framer } from '@vnfpool/transport/framing';
import { WireError } from '@vnfpool/wire/bytes';
import { decodeReplica, encodeReplica, type ReplicaMessage } from '@vnfpool/wire/replication';
import type { Schedule } from '../lease-world/schedule.ts';
import type { SeededRandom } from '../lease-world/seeded-random.ts';
import { damagedOctets, drawFault, type LinkFault, type LinkFaultRates } from './link-faults.ts';

export type End = 'holder' | 'standby';

export interface LinkEnds {
  /** @param fault what became of it, if anything but that it is there */
  arrived(end: End, message: ReplicaMessage, fault: LinkFault | undefined): void;
  /** The connection has ended, as this end sees it. */
  ended(end: End): void;
  /** Undefined: nothing is damaged now. */
  rates(): LinkFaultRates | undefined;
  struck(fault: LinkFault): void;
}

/** Frames that go to an end. */
type Frames = Readonly<Record<End, Uint8Array[]>>;

/** Of a connection, for those behind it; no `end` is among them, as nothing in it says of which epoch it is. */
const REMEMBERED_MAX = 24;

/**
 * One connection: ordered, loses nothing until it breaks, and then each end hears of it when it does; but for the faults that
 * are drawn for a frame. Each end cuts and reads octets as in production, and closes where that fails.
 */
export class Link {
  readonly #schedule: Schedule;
  readonly #random: SeededRandom;
  readonly #delayMs: number;
  readonly #ends: LinkEnds;
  readonly #freeAtMs = { holder: 0, standby: 0 };
  readonly #framers = { holder: new Framer(replicationRule), standby: new Framer(replicationRule) };
  readonly #faultsTo = { holder: new Set<LinkFault>(), standby: new Set<LinkFault>() };
  /** Those that read something that is no frame. */
  readonly #failed = new Set<End>();
  readonly #former: Frames | undefined;
  #isUp = true;
  /** The last that were sent. */
  readonly frames: Frames = { holder: [], standby: [] };
  /** Nothing arrives until then, and nothing is lost: a route that is away. */
  stalledUntilMs = 0;

  /** @param former of the connection before it */
  constructor(
    schedule: Schedule,
    random: SeededRandom,
    delayMs: number,
    ends: LinkEnds,
    former: Frames | undefined,
  ) {
    this.#schedule = schedule;
    this.#random = random;
    this.#delayMs = delayMs;
    this.#ends = ends;
    this.#former = former;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** Whether it happened to any frame that was sent to this end. */
  wasStruck(end: End, fault: LinkFault): boolean {
    return this.#faultsTo[end].has(fault);
  }

  send(to: End, message: ReplicaMessage): void {
    const octets = encodeReplica(message);
    const rates = this.#ends.rates();
    if (rates === undefined) {
      this.#deliver(to, octets);
      return;
    }
    if (message.type !== 'end') remember(this.frames[to], octets);
    const old = this.#former?.[to] ?? [];
    const fault = drawFault(this.#random, rates);
    if (fault === undefined || (fault === 'old' && old.length === 0)) {
      this.#deliver(to, octets);
      return;
    }
    this.#faultsTo[to].add(fault);
    this.#ends.struck(fault);
    switch (fault) {
      case 'lost':
        break;
      case 'damaged':
        this.#deliver(to, damagedOctets(octets, this.#random), fault);
        break;
      case 'doubled':
        this.#deliver(to, octets);
        this.#deliverAnyTime(to, octets, fault);
        break;
      case 'swapped':
        this.#deliverAnyTime(to, octets, fault);
        break;
      case 'old':
        this.#deliver(to, this.#random.pick(old), fault);
        this.#deliver(to, octets);
        break;
    }
  }

  /** The end that closes it hears nothing more. */
  close(by: End): void {
    const other = by === 'holder' ? 'standby' : 'holder';
    this.#schedule.at(this.#turnOf(other), () => {
      if (!this.#isUp) return;
      this.#isUp = false;
      this.#ends.ended(other);
    });
  }

  break(): void {
    if (!this.#isUp) return;
    this.#isUp = false;
    for (const end of ['holder', 'standby'] as const)
      this.#schedule.after(this.#random.between(0, 4 * this.#delayMs), () => this.#ends.ended(end));
  }

  #deliver(to: End, octets: Uint8Array, fault?: LinkFault): void {
    this.#schedule.at(this.#turnOf(to), () => this.#read(to, octets, fault));
  }

  /** Some that were sent before or behind it may come behind or before it. */
  #deliverAnyTime(to: End, octets: Uint8Array, fault: LinkFault): void {
    const atMs = this.#schedule.nowMs + this.#random.between(0.1, 4 * this.#delayMs);
    this.#schedule.at(Math.max(this.stalledUntilMs, atMs), () => this.#read(to, octets, fault));
  }

  #turnOf(to: End): number {
    const { nowMs } = this.#schedule;
    const atMs = Math.max(
      this.#freeAtMs[to],
      this.stalledUntilMs,
      nowMs + this.#random.between(0.1, this.#delayMs),
    );
    this.#freeAtMs[to] = atMs;
    return atMs;
  }

  #read(to: End, octets: Uint8Array, fault: LinkFault | undefined): void {
    if (!this.#isUp || this.#failed.has(to)) return;
    try {
      for (const message of this.#messages(to, octets)) this.#ends.arrived(to, message, fault);
    } catch (error) {
      if (!(error instanceof WireError || error instanceof FrameError)) throw error;
      this.#failed.add(to);
      this.close(to);
      this.#ends.ended(to);
    }
  }

  /** @throws WireError, FrameError */
  *#messages(to: End, octets: Uint8Array): Generator<ReplicaMessage, void> {
    const framer = this.#framers[to];
    framer.feed(octets);
    for (let frame = framer.next(); frame !== null; frame = framer.next()) yield decodeReplica(frame);
  }
}

function remember(frames: Uint8Array[], octets: Uint8Array): void {
  frames.push(octets);
  if (frames.length > REMEMBERED_MAX) frames.shift();
}
