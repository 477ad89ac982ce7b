// SPDX-License-Identifier: Apache-2.0
import type { HolderOutput } from '@vnfpool/core/replication';
import { ReplicationViolation } from './oracle.ts';

/** Before a standby that has differed twice is filled anew; doubles up to 64 times this. */
export const REFILL_PAUSE_MS = 20;
const LONGEST_MS = 64 * REFILL_PAUSE_MS;

/** Of one holder: who has differed how often, and may get nothing until when. No run is so long that it began anew. */
export class RefillPauses {
  readonly #times = new Map<number, number>();
  readonly #untilMs = new Map<number, number>();

  differed(standby: number, nowMs: number): void {
    const times = (this.#times.get(standby) ?? 0) + 1;
    this.#times.set(standby, times);
    const pauseMs = times === 1 ? 0 : Math.min(REFILL_PAUSE_MS * 2 ** (times - 2), LONGEST_MS);
    this.#untilMs.set(standby, nowMs + pauseMs);
  }

  check(output: HolderOutput, nowMs: number): void {
    const isFilled = output.type === 'send' && output.message.type === 'updates';
    if (!isFilled && output.type !== 'caught-up') return;
    const leftMs = (this.#untilMs.get(output.standby) ?? 0) - nowMs;
    if (leftMs > 0)
      throw new ReplicationViolation(
        `node ${output.standby} has differed ${this.#times.get(output.standby)} times, and is filled ${leftMs} ms ahead of time`,
      );
  }
}
