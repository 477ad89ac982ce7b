// SPDX-License-Identifier: Apache-2.0
import type { TransferOrder, TransferRules } from '@vnfpool/core/state-transfer';
import type { Schedule } from '../lease-world/schedule.ts';
import type { SeededRandom } from '../lease-world/seeded-random.ts';
import type { Trace } from '../lease-world/trace.ts';
import type { ChannelLink } from './links.ts';
import type { TransferPlan } from './options.ts';

/** A promise that was broken. */
export class TransferViolation extends Error {
  override readonly name = 'TransferViolation';
}

/** Where the destination takes packets of sessions that came to it. */
export const FORWARD = { address: '192.0.2.11', port: 40_100 } as const;

/** What every host of this world shares. */
export interface WorldParts {
  readonly plan: TransferPlan;
  readonly rules: TransferRules;
  readonly random: SeededRandom;
  readonly schedule: Schedule;
  readonly trace: Trace;
  readonly channel: ChannelLink;
  readonly order: TransferOrder;
  /** An output is carried out by `act`, with the faults that were planned for before and after it. */
  perform(who: 'S' | 'D', name: string, act: () => void): void;
}

/** A part of this world that crashes and comes back. Calls that belong to an earlier life are dropped. */
export class Life {
  readonly #schedule: Schedule;
  #number = 0;
  isUp = true;

  constructor(schedule: Schedule) {
    this.#schedule = schedule;
  }

  after(delayMs: number, run: () => void): void {
    const number = this.#number;
    this.#schedule.after(delayMs, () => {
      if (this.isUp && number === this.#number) run();
    });
  }

  end(): void {
    this.#number += 1;
    this.isUp = false;
  }

  begin(): void {
    this.#number += 1;
    this.isUp = true;
  }
}
