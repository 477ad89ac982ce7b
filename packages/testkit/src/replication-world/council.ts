// SPDX-License-Identifier: Apache-2.0
import { type Reign, sameSet } from './reign.ts';
import type { WorldParts } from './world-parts.ts';

export interface CouncilSurroundings {
  /** Of the last grant. */
  readonly epoch: () => number;
  /** Who holds the slot now. */
  readonly reign: () => Reign | undefined;
  /** Its holder counts anew who is listed. */
  readonly list: (reign: Reign) => void;
  readonly say: (what: string) => void;
}

/** A council in one place: who may take over, as it has it. */
export class Council {
  /** Nodes, and which life of theirs. */
  listed: ReadonlyMap<number, number> = new Map();
  /** Before that it begins no round. */
  fromMs = 0;
  readonly #parts: WorldParts;
  readonly #around: CouncilSurroundings;

  constructor(parts: WorldParts, around: CouncilSurroundings) {
    this.#parts = parts;
    this.#around = around;
  }

  /** One round at a time; who is in the round's list counts for the holder from its beginning. */
  ask(reign: Reign): void {
    const { random, schedule } = this.#parts;
    if (reign.isAsking || sameSet(reign.wanted, reign.stored) || reign !== this.#around.reign()) return;
    reign.isAsking = true;
    const wanted = new Set(reign.wanted);
    const lives = new Map(
      [...wanted].map((each) => [each, reign.lives.get(each) ?? this.listed.get(each) ?? 0]),
    );
    reign.asked = wanted;
    schedule.after(0, () => this.#around.list(reign));
    schedule.after(Math.max(0, this.fromMs - schedule.nowMs) + random.between(1, 20), () => {
      // A round of a holder that has died meanwhile may have come through or not.
      if (this.#around.epoch() !== reign.epoch || (this.#around.reign() !== reign && random.chance(0.5)))
        return;
      this.listed = lives;
      this.#around.say(`the council lists ${[...wanted].join()}`);
      schedule.after(random.between(1, 10), () => {
        reign.stored = wanted;
        reign.asked = wanted;
        reign.isAsking = false;
        this.#around.list(reign);
        this.ask(reign);
      });
    });
  }
}
