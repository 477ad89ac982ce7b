// SPDX-License-Identifier: Apache-2.0
import type { SlotAssignment, TroubleReport } from '@vnfpool/wire/mobility';
import { Ladder } from './ladder.ts';
import { FLAP_DEFAULT, type FlapRule, Penalty, type PenaltyRecord } from './penalty.ts';
import type { AgentOutput } from './types.ts';

/** What is kept of a standing for the next agent. */
export interface StandingRecord {
  readonly failures: number;
  readonly penalty?: PenaltyRecord;
  /** Until when, by the machine's clock, it does not try for a slot. */
  readonly heldDownUntilMs?: number;
}

/** What a standing needs of a function. */
export interface Judged {
  readonly name: string;
  readonly ready: boolean;
  readonly canStartInPlace: boolean;
  readonly isIdle: boolean;
  /** Failures since it is here. */
  readonly failures: number;
  startInPlace(): AgentOutput[];
}

/** How much a function is worth as a candidate after what it has done: its ladder, its penalty, its hold-down. */
export class Standing {
  readonly ladder: Ladder = new Ladder();
  readonly #penalty = new Penalty();
  #heldDownUntilMs = 0;
  /** Failures that were counted. */
  #failures = 0;
  /** Before this agent. */
  #formerFailures = 0;
  #report: TroubleReport | undefined;
  #noted = '';
  #deadlineMs: number | undefined;

  /**
   * After everything that happened: counts what is new.
   * @param isHolding it holds a slot here that it has not been told to give up
   */
  follow(life: Judged, assignment: SlotAssignment | null, isHolding: boolean, nowMs: number): AgentOutput[] {
    const rule = flapOf(assignment);
    for (; this.#failures < life.failures; this.#failures++) this.#penalty.add(rule, nowMs);
    let outputs: AgentOutput[] = [];
    if (isHolding) outputs = this.ladder.step(life, assignment?.restart, nowMs);
    else this.ladder.rest();
    this.#write(assignment, nowMs);
    const all = [this.ladder.deadlineMs, this.#penalty.endsAtMs(rule), this.#heldDownUntilMs].filter(
      (atMs) => atMs !== undefined && atMs > nowMs,
    ) as number[];
    this.#deadlineMs = all.length === 0 ? undefined : Math.min(...all);
    return outputs;
  }

  /** It lost a slot, and not on purpose. */
  lostSlot(assignment: SlotAssignment | null, nowMs: number): void {
    const holdDownMs = assignment?.holdDownMs ?? 0;
    if (holdDownMs > 0) this.#heldDownUntilMs = nowMs + holdDownMs;
    this.#report = undefined;
  }

  isHeldDown(nowMs: number): boolean {
    return nowMs < this.#heldDownUntilMs;
  }

  isSuppressed(assignment: SlotAssignment | null, nowMs: number): boolean {
    return this.#penalty.isSuppressed(flapOf(assignment), nowMs);
  }

  /** The next moment at which it is worth more, or its time in place is over. */
  get deadlineMs(): number | undefined {
    return this.#deadlineMs;
  }

  /** For the manager; undefined: it never failed. Changes only when something happened. */
  get report(): TroubleReport | undefined {
    return this.#report;
  }

  get record(): StandingRecord | undefined {
    const failures = this.#formerFailures + this.#failures;
    const penalty = this.#penalty.record;
    if (failures === 0 && this.#heldDownUntilMs === 0) return undefined;
    return {
      failures,
      ...(penalty === undefined ? {} : { penalty }),
      ...(this.#heldDownUntilMs === 0 ? {} : { heldDownUntilMs: this.#heldDownUntilMs }),
    };
  }

  restore({ failures, penalty, heldDownUntilMs }: StandingRecord, nowMs: number): void {
    this.#formerFailures = failures;
    if (penalty) this.#penalty.restore(penalty, nowMs);
    // Kept by a clock that began anew with the machine it says nothing; the functions did not outlive that either.
    if (heldDownUntilMs !== undefined && (penalty === undefined || penalty.atMs <= nowMs))
      this.#heldDownUntilMs = heldDownUntilMs;
  }

  /** Times are told as they are at the last change, so that a report does not change with the clock. */
  #write(assignment: SlotAssignment | null, nowMs: number): void {
    const failures = this.#formerFailures + this.#failures;
    const isHeldDown = this.isHeldDown(nowMs);
    const isSuppressed = this.isSuppressed(assignment, nowMs);
    const state = [failures, this.ladder.total, this.ladder.note, isHeldDown, isSuppressed].join();
    if ((failures === 0 && !isHeldDown) || (state === this.#noted && this.#report)) return;
    this.#noted = state;
    const rule = flapOf(assignment);
    this.#report = {
      failures,
      startsInPlace: this.ladder.total,
      penalty: Math.round(this.#penalty.value(rule, nowMs)),
      lastForMs: isSuppressed ? Math.round((this.#penalty.endsAtMs(rule) ?? nowMs) - nowMs) : 0,
      heldDownForMs: isHeldDown ? Math.round(this.#heldDownUntilMs - nowMs) : 0,
      note: this.ladder.note,
    };
  }
}

function flapOf(assignment: SlotAssignment | null): FlapRule {
  return assignment?.flap ?? FLAP_DEFAULT;
}
