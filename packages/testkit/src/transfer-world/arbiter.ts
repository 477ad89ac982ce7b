// SPDX-License-Identifier: Apache-2.0
import { type DestinationTestimony, judge, type SourceTestimony } from '@vnfpool/core/state-transfer';
import type { DestinationHost } from './destination-host.ts';
import type { SourceHost } from './source-host.ts';
import { Life, type WorldParts } from './world.ts';

/** The manager: asks both ends when one of them asks, and tells them what follows. Messages are lost and late. */
export class Arbiter {
  readonly #parts: WorldParts;
  readonly #source: SourceHost;
  readonly #destination: DestinationHost;
  readonly #life: Life;
  /** What it heard last; its crash forgets it. */
  #ofSource: SourceTestimony = 'silent';
  #ofDestination: DestinationTestimony = 'silent';
  readonly cutUntilMs: { source: number; destination: number } = { source: 0, destination: 0 };

  constructor(parts: WorldParts, source: SourceHost, destination: DestinationHost) {
    this.#parts = parts;
    this.#source = source;
    this.#destination = destination;
    this.#life = new Life(parts.schedule);
    source.inquire = () => this.#carry('source', () => this.#inquired());
    destination.inquire = () => this.#carry('destination', () => this.#inquired());
  }

  crash(lastsMs: number): void {
    if (!this.#life.isUp) return;
    this.#life.end();
    this.#ofSource = 'silent';
    this.#ofDestination = 'silent';
    this.#parts.schedule.after(lastsMs, () => this.#life.begin());
  }

  #inquired(): void {
    if (!this.#life.isUp) return;
    this.#carry('source', () => {
      if (!this.#source.isUp) return;
      const testimony = this.#source.testimony();
      this.#carry('source', () => {
        if (!this.#life.isUp) return;
        this.#ofSource = testimony;
        this.#judge();
      });
    });
    this.#carry('destination', () => {
      if (!this.#destination.isUp) return;
      const testimony = this.#destination.testimony();
      this.#carry('destination', () => {
        if (!this.#life.isUp) return;
        this.#ofDestination = testimony;
        this.#judge();
      });
    });
  }

  #judge(): void {
    const { source, destination } = judge(this.#ofSource, this.#ofDestination, this.#parts.rules);
    if (source === null && destination === null) return;
    const told = `manager: source ${this.#ofSource}, destination ${this.#ofDestination}: ${source}, ${destination}`;
    this.#parts.trace.add(this.#parts.schedule.nowMs, () => told);
    if (source !== null)
      this.#carry('source', () => this.#source.input({ type: 'verdict', verdict: source }));
    if (destination !== null)
      this.#carry('destination', () => this.#destination.input({ type: 'verdict', verdict: destination }));
  }

  /** One message on the way between the manager and this node, whichever direction. */
  #carry(way: 'source' | 'destination', arrive: () => void): void {
    const { random, schedule, plan } = this.#parts;
    if (schedule.nowMs < this.cutUntilMs[way] || random.chance(plan.loss)) return;
    schedule.after(random.between(0.1, 30), arrive);
  }
}
