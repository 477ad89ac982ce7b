// SPDX-License-Identifier: Apache-2.0

import type { AgentOutput } from './types.ts';

/** How often a function that holds a slot may be started again before the slot goes to another candidate. */
export interface LadderRule {
  /** Starts in place… */
  readonly inPlace: number;
  /** …within this time. */
  readonly withinMs: number;
  /** Each of them must make it ready within this time. */
  readonly readyMs: number;
}

/** What the ladder needs of a function. */
export interface Climber {
  readonly name: string;
  readonly ready: boolean;
  /** Whether it could be started, or replaced by a new start, at all. */
  readonly canStartInPlace: boolean;
  /** It has ended and waits for its next start. */
  readonly isIdle: boolean;
  startInPlace(): AgentOutput[];
}

const NONE: LadderRule = { inPlace: 0, withinMs: 0, readyMs: 0 };

/**
 * The escalation of a function that holds a slot and fails: it is started again in place while its rule allows it, then it
 * lets its slot go. Times are those of the agent's clock.
 *
 *     ready ──fails──▶ in place (1 of N) ──ready──▶ ready
 *                        │ fails again: (2 of N) …, N + 1: spent
 *                        └─ not ready in time ─────────────▶ spent: the slot goes
 */
export class Ladder {
  /** Of starts in place; at most as many as the rule has. */
  #startsMs: readonly number[] = [];
  #untilMs: number | undefined;
  #isSpent = false;
  #note = '';
  #total = 0;

  /** Whether the slot is kept although the function is not ready. */
  get isClimbing(): boolean {
    return this.#untilMs !== undefined;
  }

  /** Until when it must be ready. */
  get deadlineMs(): number | undefined {
    return this.#untilMs;
  }

  /** What was done last, for people; empty: nothing yet. */
  get note(): string {
    return this.#note;
  }

  /** Starts in place so far. */
  get total(): number {
    return this.#total;
  }

  /** The function holds no slot (any more): there is nothing to keep. */
  rest(): void {
    this.#untilMs = undefined;
    this.#isSpent = false;
  }

  /** After everything that happened to a function that holds a slot: what follows. */
  step(life: Climber, rule: LadderRule = NONE, nowMs: number): AgentOutput[] {
    if (life.ready) {
      if (this.#untilMs !== undefined) this.#note = 'serves again, started in place';
      this.rest();
      return [];
    }
    if (this.#isSpent) return [];
    if (this.#untilMs !== undefined) {
      if (nowMs >= this.#untilMs) return this.#spend(life, `not ready within ${rule.readyMs} ms in place`);
      // It is being started, or ended so that it can be.
      if (!life.isIdle) return [];
    }
    if (rule.inPlace === 0 || !life.canStartInPlace) {
      this.#isSpent = true;
      this.#untilMs = undefined;
      return [];
    }
    const recent = this.#startsMs.filter((atMs) => atMs > nowMs - rule.withinMs);
    if (recent.length >= rule.inPlace)
      return this.#spend(life, `started in place ${recent.length} times within ${rule.withinMs} ms already`);
    this.#startsMs = [...recent, nowMs];
    // A failure of a start in place does not get more time than the first one had.
    this.#untilMs ??= nowMs + rule.readyMs;
    this.#total += 1;
    this.#note = `started in place, ${this.#startsMs.length} of ${rule.inPlace} within ${rule.withinMs} ms; it keeps its slot`;
    return [this.#event(life), ...life.startInPlace()];
  }

  #spend(life: Climber, why: string): AgentOutput[] {
    this.#untilMs = undefined;
    this.#isSpent = true;
    this.#note = `${why}; its slot goes to another candidate`;
    return [this.#event(life)];
  }

  #event({ name }: Climber): AgentOutput {
    return { type: 'event', severity: 'warning', message: `${name}: ${this.#note}`, functionId: null };
  }
}
