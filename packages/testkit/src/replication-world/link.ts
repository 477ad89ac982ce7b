// SPDX-License-Identifier: Apache-2.0
import { decodeReplica, encodeReplica, type ReplicaMessage } from '@vnfpool/wire/replication';
import type { Schedule } from '../lease-world/schedule.ts';
import type { SeededRandom } from '../lease-world/seeded-random.ts';

type End = 'holder' | 'standby';

export interface LinkEnds {
  arrived(end: End, message: ReplicaMessage): void;
  /** The connection has ended, as this end sees it. */
  ended(end: End): void;
}

/** One connection: ordered, loses nothing until it breaks, and then each end hears of it when it does. */
export class Link {
  readonly #schedule: Schedule;
  readonly #random: SeededRandom;
  readonly #delayMs: number;
  readonly #ends: LinkEnds;
  readonly #freeAtMs = { holder: 0, standby: 0 };
  #isUp = true;
  /** Nothing arrives until then, and nothing is lost: a route that is away. */
  stalledUntilMs = 0;

  constructor(schedule: Schedule, random: SeededRandom, delayMs: number, ends: LinkEnds) {
    this.#schedule = schedule;
    this.#random = random;
    this.#delayMs = delayMs;
    this.#ends = ends;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  send(to: End, message: ReplicaMessage): void {
    const octets = encodeReplica(message);
    this.#deliver(to, () => this.#ends.arrived(to, decodeReplica(octets)));
  }

  /** The end that closes it hears nothing more. */
  close(by: End): void {
    const other = by === 'holder' ? 'standby' : 'holder';
    this.#deliver(other, () => {
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

  #deliver(to: End, run: () => void): void {
    const { nowMs } = this.#schedule;
    const atMs = Math.max(
      this.#freeAtMs[to],
      this.stalledUntilMs,
      nowMs + this.#random.between(0.1, this.#delayMs),
    );
    this.#freeAtMs[to] = atMs;
    this.#schedule.at(atMs, () => {
      if (this.#isUp) run();
    });
  }
}
