// SPDX-License-Identifier: Apache-2.0
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
    for (const { name, health, reason } of poolViews(this.#state, nowMs)) {
      const before = this.#healths.get(name);
      this.#healths.set(name, health);
      if (before === undefined || before === health) continue;
      const severity = health === 'whole' ? 'info' : health === 'degraded' ? 'warning' : 'error';
      journal.event(wallMs, 'pool.health', severity, `pool ${name}`, `Pool ${name} is ${health}. ${reason}`);
    }
  }
}
