// SPDX-License-Identifier: Apache-2.0
import type { SharingRecord } from '../planner/sharing-record.ts';
import { isLeaseLonger, levelWords, slotLossWords } from '../state-level/words.ts';
import type { Journal } from './journal.ts';
import { declaredOf } from './slot-sharing.ts';
import type { ManagerState } from './state.ts';

/** Tells when the state sharing of a pool is settled anew; what was on disk at the start is not news. */
export class SharingNews {
  readonly #state: ManagerState;
  #known: ReadonlyMap<string, SharingRecord>;

  constructor(state: ManagerState) {
    this.#state = state;
    this.#known = new Map(state.sharing);
  }

  tellChanges(journal: Journal, wallMs: number): void {
    const known = this.#known;
    this.#known = new Map(this.#state.sharing);
    for (const [pool, record] of this.#known) {
      const before = known.get(pool);
      if (before === record) continue;
      const from = before ? `, before by ${levelWords(before.level)}` : '';
      const declared = declaredOf(this.#state, pool);
      const message = `${pool} shares its state by ${levelWords(record.level)}${from}: a failover loses ${slotLossWords(record.level, declared)}.`;
      const severity = isLeaseLonger(record.level, declared.failover.leaseMs) ? 'warning' : 'info';
      journal.event(wallMs, 'sharing.settled', severity, `pool ${pool}`, message);
    }
    for (const pool of known.keys()) {
      if (this.#known.has(pool) || !this.#state.set?.declared.pools.some(({ name }) => name === pool))
        continue;
      const message = `${pool} shares its state no more: it was not asked for.`;
      journal.event(wallMs, 'sharing.ended', 'info', `pool ${pool}`, message);
    }
  }
}
