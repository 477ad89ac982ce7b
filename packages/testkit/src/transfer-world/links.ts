// SPDX-License-Identifier: Apache-2.0

import type { Schedule } from '../lease-world/schedule.ts';
import type { SeededRandom } from '../lease-world/seeded-random.ts';

/** Where frames of a connection arrive. */
export interface ChannelEnd {
  frame(connection: number, frame: Uint8Array): void;
  disconnected(connection: number): void;
}

interface Connection {
  readonly ends: { readonly source: ChannelEnd; readonly destination: ChannelEnd };
  /** No frame overtakes another. */
  readonly arrivesMs: { source: number; destination: number };
  isBroken: boolean;
}

type Side = 'source' | 'destination';
const OTHER: Readonly<Record<Side, Side>> = { source: 'destination', destination: 'source' };

/** Connections from source to destination: ordered and reliable while they last, and able to break unnoticed. */
export class ChannelLink {
  readonly #schedule: Schedule;
  readonly #random: SeededRandom;
  readonly #delayMsMax: number;
  readonly #damage: number;
  readonly #connections = new Map<number, Connection>();
  #next = 1;
  cutUntilMs = 0;

  constructor(schedule: Schedule, random: SeededRandom, delayMsMax: number, damage: number) {
    this.#schedule = schedule;
    this.#random = random;
    this.#delayMsMax = delayMsMax;
    this.#damage = damage;
  }

  get isCut(): boolean {
    return this.#schedule.nowMs < this.cutUntilMs;
  }

  open(source: ChannelEnd, destination: ChannelEnd): number {
    const number = this.#next++;
    this.#connections.set(number, {
      ends: { source, destination },
      arrivesMs: { source: 0, destination: 0 },
      isBroken: false,
    });
    return number;
  }

  send(number: number, from: Side, frame: Uint8Array): void {
    this.#deliver(number, from, (end) => {
      const isHit = frame[4] === 5 && this.#random.chance(this.#damage);
      const arrived = frame.slice();
      if (isHit) arrived[5] = (arrived[5] ?? 0) ^ 1;
      end.frame(number, arrived);
    });
  }

  /** The other end hears of it behind what was sent before. */
  close(number: number, from: Side): void {
    this.#deliver(number, from, (end) => {
      this.#connections.delete(number);
      end.disconnected(number);
    });
  }

  /** Breaks every connection; each end hears of it, or finds out by silence. */
  break(): void {
    for (const [number, connection] of this.#connections) {
      connection.isBroken = true;
      this.#connections.delete(number);
      for (const side of ['source', 'destination'] as const) {
        if (!this.#random.chance(0.5)) continue;
        const end = connection.ends[side];
        this.#schedule.after(this.#delayMs(), () => end.disconnected(number));
      }
    }
  }

  #deliver(number: number, from: Side, arrive: (end: ChannelEnd) => void): void {
    const connection = this.#connections.get(number);
    if (connection === undefined) return;
    const to = OTHER[from];
    const atMs = Math.max(connection.arrivesMs[to], this.#schedule.nowMs + this.#delayMs());
    connection.arrivesMs[to] = atMs;
    this.#schedule.at(atMs, () => {
      if (!connection.isBroken) arrive(connection.ends[to]);
    });
  }

  #delayMs(): number {
    return this.#random.between(0.05, this.#delayMsMax);
  }
}
