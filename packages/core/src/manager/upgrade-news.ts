// SPDX-License-Identifier: Apache-2.0
import type { UpgradeRecord } from '../planner/upgrade-record.ts';
import type { Journal } from './journal.ts';
import { nameOf } from './reports.ts';
import type { ManagerState } from './state.ts';

/** Tells when upgrades begin, take a turn and end; what was on disk at the start is not news. */
export class UpgradeNews {
  readonly #state: ManagerState;
  #known: ReadonlyMap<string, UpgradeRecord>;

  constructor(state: ManagerState) {
    this.#state = state;
    this.#known = new Map(state.upgrades);
  }

  tellChanges(journal: Journal, wallMs: number): void {
    const known = this.#known;
    this.#known = new Map(this.#state.upgrades);
    for (const [pool, record] of this.#known) {
      const before = known.get(pool);
      if (before === record) continue;
      const subject = `pool ${pool}`;
      if (before?.to !== record.to)
        journal.event(
          wallMs,
          'upgrade.begun',
          'info',
          subject,
          `The upgrade of ${pool} begins: ${record.reason}.`,
        );
      else if (record.state === 'done' && before.state !== 'done') {
        const message = `${pool} has gone back: every instance runs the former version, not what is declared.`;
        journal.event(wallMs, 'upgrade.rolled-back', 'warning', subject, message);
      }
      for (const [id, version] of Object.entries(record.wanted)) {
        // The first turn comes together with the beginning.
        const former = before ? before.wanted[id] : record.from;
        if (former === undefined || former === version || record.proven.includes(Number(id))) continue;
        const name = nameOf(this.#state, Number(id));
        const message = `${name} gets the ${version === record.to ? 'new' : 'former'} version.`;
        journal.event(wallMs, 'upgrade.turn', 'info', `instance ${name}`, message);
      }
    }
    for (const [pool, record] of known) {
      if (this.#known.has(pool) || !this.#state.set?.declared.pools.some(({ name }) => name === pool))
        continue;
      const took = `${Math.round((wallMs - record.startedMs) / 1_000)} s`;
      const message = `The upgrade of ${pool} is over after ${took}: every instance runs what is declared.`;
      journal.event(wallMs, 'upgrade.ended', 'info', `pool ${pool}`, message);
    }
  }
}
