// SPDX-License-Identifier: Apache-2.0
import type { WorldPlan } from './options.ts';
import type { Schedule } from './schedule.ts';
import type { SeededRandom } from './seeded-random.ts';

/** What the network is like. Probabilities are per datagram, times in ms. */
export type NetworkPlan = Pick<
  WorldPlan,
  'loss' | 'duplicate' | 'delayMsMin' | 'delayMsMax' | 'straggle' | 'leaseMs'
>;

/** Datagrams between nodes: lost, delayed, reordered by delay, duplicated, cut one way. */
export class SimulatedNetwork {
  readonly #plan: NetworkPlan;
  readonly #random: SeededRandom;
  readonly #schedule: Schedule;
  readonly #cut = new Set<number>();
  /** Told of every cut, as connections over the link would be. */
  onCut: ((from: number, to: number) => void) | undefined;
  #isCalm = false;

  constructor(plan: NetworkPlan, random: SeededRandom, schedule: Schedule) {
    this.#plan = plan;
    this.#random = random;
    this.#schedule = schedule;
  }

  send(from: number, to: number, deliver: () => void): void {
    const { loss, duplicate, delayMsMin, straggle, leaseMs } = this.#plan;
    const random = this.#random;
    if (this.#isCalm) {
      this.#schedule.after(delayMsMin, deliver);
      return;
    }
    if (this.#cut.has(link(from, to)) || (loss > 0 && random.chance(loss))) return;
    this.#schedule.after(this.#delayMs(), deliver);
    if (duplicate > 0 && random.chance(duplicate)) this.#schedule.after(this.#delayMs(), deliver);
    if (straggle > 0 && random.chance(straggle)) {
      this.#schedule.after(random.between(0, leaseMs * 1.2), deliver);
    }
  }

  /** What is on its way already comes, whatever is cut behind it. */
  straggle(afterMs: number, deliver: () => void): void {
    if (!this.#isCalm) this.#schedule.after(afterMs, deliver);
  }

  cut(from: number, to: number): void {
    this.#cut.add(link(from, to));
    this.onCut?.(from, to);
  }

  heal(from: number, to: number): void {
    this.#cut.delete(link(from, to));
  }

  isCut(from: number, to: number): boolean {
    return this.#cut.has(link(from, to));
  }

  /** No faults any more. */
  calm(): void {
    this.#isCalm = true;
    this.#cut.clear();
  }

  #delayMs(): number {
    const { delayMsMin, delayMsMax, straggle, leaseMs } = this.#plan;
    const random = this.#random;
    if (straggle > 0 && random.chance(straggle)) return random.between(delayMsMin, leaseMs * 1.2);
    return random.between(delayMsMin, delayMsMax);
  }
}

function link(from: number, to: number): number {
  return from * 256 + to;
}
