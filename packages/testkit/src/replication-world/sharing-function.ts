// SPDX-License-Identifier: Apache-2.0
import { acknowledgersOf, type HolderOutput, type KeyUpdate } from '@vnfpool/core/replication';
import type { MemoryDamage } from './memory-damage.ts';
import type { Oracle } from './oracle.ts';
import type { Reign } from './reign.ts';
import { KEYS, type WorldCounts, type WorldParts } from './world-parts.ts';

export interface FunctionSurroundings {
  readonly oracle: Oracle;
  readonly damage: MemoryDamage;
  readonly counts: WorldCounts;
  /** Who holds the slot now. */
  readonly reign: () => Reign | undefined;
  readonly isCalm: () => boolean;
  readonly carryOut: (reign: Reign, outputs: readonly HolderOutput[]) => void;
}

/** The function of whoever holds the slot: what it changes, and what of that it lets out. */
export class SharingFunction {
  readonly #parts: WorldParts;
  readonly #around: FunctionSurroundings;

  constructor(parts: WorldParts, around: FunctionSurroundings) {
    this.#parts = parts;
    this.#around = around;
  }

  change(): void {
    const { plan, random, schedule } = this.#parts;
    const reign = this.#around.reign();
    if (!this.#around.isCalm())
      schedule.after(random.between(0, 2 * plan.updateEveryMs), () => this.change());
    if (reign === undefined || !reign.isActing || reign.isEnding || reign.waiting.length > 0) return;
    const updates = Array.from(
      { length: 1 + random.below(4) },
      (): KeyUpdate => ({
        key: `k${random.below(KEYS)}`,
        value: random.chance(0.35) ? null : Uint8Array.of(random.below(256), random.below(256)),
      }),
    );
    this.give(reign, updates);
  }

  /** Some values at the holder are damaged: sooner or later the function says what it has otherwise than the holder. */
  askAnew(reign: Reign): void {
    const { more, mutation, plan, schedule } = this.#parts;
    if (!plan.tellsAnew || mutation.asksForNothing) return;
    schedule.after(more.between(1, 60), () => {
      if (!reign.isActing || reign.isEnding) return;
      const { store } = reign.core;
      // It is given all that there is: each value is looked at.
      const damaged = [...store].filter(({ key }) => !store.isSound(key)).map(({ key }) => key);
      if (damaged.length === 0) return;
      this.#around.counts.toldAnew += 1;
      this.#behind(
        reign,
        damaged.map((key) => ({ key, value: this.#around.damage.truth(store, key) ?? null })),
      );
    });
  }

  /** It changes what is damaged at its holder, of which it knows nothing. */
  changeDamaged(): void {
    const { more } = this.#parts;
    const reign = this.#around.reign();
    if (reign === undefined || !reign.isActing || reign.isEnding) return;
    const updates = [...reign.core.store.damaged].map((key) => ({
      key,
      value: more.chance(0.3) ? null : Uint8Array.of(more.below(256), more.below(256)),
    }));
    if (updates.length > 0) this.#behind(reign, updates);
  }

  /** What waits already was said before it. */
  #behind(reign: Reign, updates: KeyUpdate[]): void {
    const { waiting } = reign;
    if (waiting.length === 0) this.give(reign, updates);
    else {
      const later = new Set(waiting.map(({ key }) => key));
      reign.waiting = [...waiting, ...updates.filter(({ key }) => !later.has(key))];
    }
  }

  give(reign: Reign, updates: KeyUpdate[]): void {
    reign.waiting = updates;
    // One by one, so that the oracle sees every state that there was.
    while (reign.waiting.length > 0) {
      const outputs = reign.core.handle(
        { type: 'update', updates: reign.waiting.slice(0, 1) },
        this.#parts.schedule.nowMs,
      );
      const taken = outputs.find((output) => output.type === 'taken');
      if (taken?.count === 1) {
        reign.waiting = reign.waiting.slice(1);
        this.#around.oracle.had(reign.epoch, reign.core.store, this.#parts.schedule.nowMs);
      } else if (taken?.refused === 'full') reign.waiting = reign.waiting.slice(1);
      this.#around.carryOut(reign, outputs);
      if (taken?.count === 0 && taken.refused !== 'full') return;
    }
  }

  release(reign: Reign, sequence: number): void {
    if (!reign.isActing || reign !== this.#around.reign()) return;
    this.#around.oracle.released(sequence, acknowledgersOf(this.#parts.plan.bound));
    this.#around.counts.released = Math.max(this.#around.counts.released, sequence);
  }
}
