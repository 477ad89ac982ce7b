// SPDX-License-Identifier: Apache-2.0

import type { Random } from '../core.ts';
import type { DeclaredFailback } from '../declared/detection.ts';
import type { DeclaredPool } from '../declared/set.ts';
import { indexed } from '../planner/indexed.ts';
import { instanceName, isReadyFor, type Observed, type ObservedInstance } from '../planner/observed.ts';
import { slotsOf } from '../planner/roles.ts';
import { lacksState } from '../planner/slot-sharing.ts';
import { homesOf } from '../planner/slots.ts';
import { slotsPerInstance } from '../planner/surplus.ts';
import { beginHandover } from './handover.ts';
import type { Journal } from './journal.ts';
import type { Moment } from './moves.ts';
import type { ManagerState } from './state.ts';

const MINUTE_MS = 60_000;
const DAY_MINUTES = 1_440;
/** In a window the instance that the slot goes back to has been fit for so long at least. */
const FIT_MS = 10_000;
/** A hand-over that came to nothing is tried again after this. */
const AGAIN_MS = 60_000;

/** A slot that is to go back to the instance that it was made for. */
export interface PlannedFailback {
  readonly to: number;
  /** By the clock that is handed in: since when it could. */
  readonly sinceMs: number;
  /** Not before. */
  atMs: number;
}

/**
 * Hands slots back to where they belong, as their pool says; by default nothing goes back. Always a planned hand-over between
 * two that are ready: it costs no loss, and the holder stays if it fails.
 */
export class Failbacks {
  readonly #state: ManagerState;
  readonly #random: Random;

  constructor(state: ManagerState, random: Random) {
    this.#state = state;
    this.#random = random;
  }

  /** Orders what is due. */
  look(journal: Journal, { nowMs, wallMs }: Moment): void {
    const { set, failbacks } = this.#state;
    const pools = set?.declared.pools.filter(({ failover }) => failover.failback !== undefined) ?? [];
    if (pools.length === 0) {
      failbacks.clear();
      return;
    }
    const observed = this.#state.observed(nowMs);
    // One that is under way is not planned anew when it comes to nothing: it is tried again later.
    const current = new Set(observed.slots.filter(({ handover }) => handover).map(({ id }) => id));
    for (const pool of pools) {
      const rule = pool.failover.failback as DeclaredFailback;
      for (const [slot, home] of strayed(pool, observed)) {
        current.add(slot);
        let planned = failbacks.get(slot);
        if (planned?.to !== home.functionId)
          planned = { to: home.functionId, sinceMs: nowMs, atMs: firstMs(rule, nowMs, wallMs) };
        failbacks.set(slot, planned);
        if (nowMs < planned.atMs) continue;
        if (observed.isFrozen) {
          planned.atMs = nowMs + AGAIN_MS;
          continue;
        }
        // The timer may have come late: after the end of the window it waits for the next one.
        const dueMs = rule.rule === 'window' ? nowMs + untilWindowMs(rule, wallMs) : nowMs;
        planned.atMs = dueMs > nowMs ? dueMs : nowMs + AGAIN_MS;
        if (dueMs > nowMs) continue;
        beginHandover(this.#state, { slot, to: home.functionId }, this.#random, nowMs);
        const index = this.#state.slots.get(slot)?.index ?? 0;
        const message = `Slot ${index} of ${pool.name} goes back to ${instanceName(home)}: ${ruleText(rule)}.`;
        journal.event(wallMs, 'failback.ordered', 'info', `slot ${pool.name}/${index}`, message);
      }
    }
    for (const slot of failbacks.keys()) if (!current.has(slot)) failbacks.delete(slot);
  }

  get deadlinesMs(): readonly number[] {
    return [...this.#state.failbacks.values()].map(({ atMs }) => atMs);
  }
}

/** Slots that somebody else holds while the instance that they were made for is fit to. */
function strayed(pool: DeclaredPool, observed: Observed): Map<string, ObservedInstance> {
  const nodes = indexed(observed).nodes;
  const homes = homesOf(pool, observed);
  const found = new Map<string, ObservedInstance>();
  for (const slot of slotsOf(pool, observed)) {
    const home = homes.get(slot.index);
    const holder = observed.instances.find(({ functionId }) => functionId === slot.holder);
    if (!home || !holder || holder === home || slot.handover || home.move || holder.move) continue;
    const held = observed.slots.filter(({ holder: other }) => other === home.functionId).length;
    const isFit =
      isReadyFor(slot, home, nodes) &&
      !home.isSuppressed &&
      nodes.get(home.node)?.draining === false &&
      !lacksState(slot, home, observed);
    if (isFit && held < slotsPerInstance(pool)) found.set(slot.id, home);
  }
  return found;
}

function firstMs(rule: DeclaredFailback, nowMs: number, wallMs: number): number {
  if (rule.rule === 'delayed') return nowMs + rule.delayMs;
  return nowMs + Math.max(FIT_MS, untilWindowMs(rule, wallMs));
}

/** From now to the next moment inside the window; 0: it is now. */
export function untilWindowMs(
  { fromMinute, toMinute }: Extract<DeclaredFailback, { rule: 'window' }>,
  wallMs: number,
): number {
  const dayMs = DAY_MINUTES * MINUTE_MS;
  const ofDayMs = ((wallMs % dayMs) + dayMs) % dayMs;
  const fromMs = fromMinute * MINUTE_MS;
  const lengthMs = ((((toMinute - fromMinute) % DAY_MINUTES) + DAY_MINUTES) % DAY_MINUTES) * MINUTE_MS;
  const intoMs = (ofDayMs - fromMs + dayMs) % dayMs;
  return intoMs < lengthMs ? 0 : dayMs - intoMs;
}

/** For people. */
export function ruleText(rule: DeclaredFailback): string {
  if (rule.rule === 'delayed') return `it has been fit for ${rule.delayMs} ms`;
  return `it is between ${clockText(rule.fromMinute)} and ${clockText(rule.toMinute)} UTC`;
}

function clockText(minute: number): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
}
