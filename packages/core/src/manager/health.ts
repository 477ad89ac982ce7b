// SPDX-License-Identifier: Apache-2.0
import { askedOf } from './asked.ts';
import type { Journal } from './journal.ts';
import type { ManagerState } from './state.ts';
import { poolViews } from './views/pools.ts';

/** Tells when the health of a pool changes; what it was at the start is not news. */
export class HealthWatch {
  readonly #state: ManagerState;
  readonly #healths = new Map<string, string>();

  constructor(state: ManagerState) {
    this.#state = state;
    for (const { name, health } of poolViews(state, 0)) this.#healths.set(name, health);
  }

  tellChanges(journal: Journal, nowMs: number, wallMs: number): void {
    const observed = this.#state.observed(nowMs);
    for (const { name, health, reason } of poolViews(this.#state, nowMs)) {
      // Soon it is known; an agent that is replaced while its functions go on is no news of the pool.
      if (askedOf(this.#state, name, observed).length > 0) continue;
      const before = this.#healths.get(name);
      this.#healths.set(name, health);
      if (before === undefined || before === health) continue;
      const severity = health === 'whole' ? 'info' : health === 'degraded' ? 'warning' : 'error';
      journal.event(wallMs, 'pool.health', severity, `pool ${name}`, `Pool ${name} is ${health}. ${reason}`);
    }
  }
}
