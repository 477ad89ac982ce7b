// SPDX-License-Identifier: Apache-2.0
import { REGISTRAR_DEFAULTS } from '@vnfpool/core/registrar';
import { missing } from './agreement.ts';
import type { RserpoolWorld } from './rserpool-world.ts';

/** So much more than what is planned may travel. */
const MARGIN = 1.5;

/** How long nothing may change once all is well. */
export function quietMs(world: RserpoolWorld): number {
  const { staleMs, resolveEveryMs } = world.plan;
  const { peerHeartbeatCycleMs } = world.profile.registrar;
  return Math.max(20_000, 2.5 * peerHeartbeatCycleMs, staleMs + 4 * resolveEveryMs);
}

/** Once all is well nobody moves, registers anew, is missed or reported, and what travels is what the timers plan. */
export class Quiet {
  readonly #world: RserpoolWorld;
  readonly #counts: Readonly<RserpoolWorld['counts']>;
  readonly #fromMs: number;
  #lacks: string | undefined;

  constructor(world: RserpoolWorld) {
    this.#world = world;
    this.#counts = { ...world.counts };
    this.#fromMs = world.nowMs;
    world.traffic.take();
  }

  /** Now and then. */
  look(): void {
    this.#lacks ??= missing(this.#world);
  }

  end(): void {
    const world = this.#world;
    this.look();
    const traffic = world.traffic.take();
    if (this.#lacks !== undefined) world.fail(`all was well, and then: ${this.#lacks}`);
    const changing = ['registrations', 'takeoversWon', 'moved', 'mismatches', 'refused', 'failed'] as const;
    for (const what of changing) {
      const [before, now] = [this.#counts[what], world.counts[what]];
      if (before !== now) world.fail(`in the quiet ${what} went from ${before} to ${now}`);
    }
    this.#rates((world.nowMs - this.#fromMs) / 1000, traffic);
  }

  #rates(seconds: number, { asap, enrp, connects }: { asap: number; enrp: number; connects: number }): void {
    const world = this.#world;
    const { profile, plan } = world;
    const { peerHeartbeatCycleMs, keepAlivePeriodMs } = profile.registrar;
    const names = world.ledger.livingCount;
    const peers = world.registrars.length - 1;
    const { lifeMs, reregistrationMaxMs } = plan;
    const lifeT4 = lifeMs === null ? reregistrationMaxMs : Math.max(lifeMs / 2, lifeMs - 20_000);
    const t4Ms = Math.min(reregistrationMaxMs, lifeT4);
    const asapMost =
      names * (2000 / keepAlivePeriodMs + 2000 / t4Ms) +
      world.users.length * (6000 / plan.resolveEveryMs + names * (1000 / t4Ms));
    const enrpMost = (peers + 1) * peers * (2000 / peerHeartbeatCycleMs) + names * peers * (1000 / t4Ms);
    const check = (what: string, count: number, most: number, slack: number): void => {
      if (count > MARGIN * most * seconds + slack)
        world.fail(
          `in the quiet ${count} ${what} in ${seconds.toFixed(0)} s, where ${(most * seconds).toFixed(0)} are planned`,
        );
    };
    // Timers of all may be due at once at either end.
    check('ASAP messages', asap, asapMost, 20 + 4 * names);
    check('ENRP messages', enrp, enrpMost, 20 + 4 * peers * (peers + 1) + names * peers);
    // Registrars that are gone for ever are tried again now and then, in case that it was the network.
    const gone = world.registrars.filter(({ isGone }) => isGone).length;
    const connectsMost = (peers + 1 - gone) * gone * (2000 / REGISTRAR_DEFAULTS.reconnectMaxMs);
    check('connects', connects, connectsMost, 4 + 2 * gone * peers);
  }
}
