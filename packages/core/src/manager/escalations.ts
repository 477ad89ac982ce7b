// SPDX-License-Identifier: Apache-2.0

import type { DeclaredPool } from '../declared/set.ts';
import { refugeOf } from '../planner/escalation.ts';
import { indexed } from '../planner/indexed.ts';
import {
  instanceName,
  isReady,
  type Observed,
  type ObservedInstance,
  takesOrders,
} from '../planner/observed.ts';
import type { Journal } from './journal.ts';
import type { Moment } from './moves.ts';
import type { ManagerState } from './state.ts';

/** A node where an instance failed is tried again after this. */
const FORGET_MS = 3_600_000;

/** Follows how long instances are not ready, and says which shall leave their node. */
export class Escalations {
  readonly #state: ManagerState;
  /** By Function ID: since when it is not ready. */
  readonly #sinceMs = new Map<number, number>();
  /** Told that no other node is left. */
  readonly #stuck = new Set<number>();
  #dueMs: number | undefined;

  constructor(state: ManagerState) {
    this.#state = state;
  }

  get deadlineMs(): number | undefined {
    return this.#dueMs;
  }

  look(journal: Journal, moment: Moment): void {
    const state = this.#state;
    const { nowMs, wallMs } = moment;
    this.#dueMs = undefined;
    const limits = new Map(
      state.set?.declared.pools.flatMap((pool) => {
        const afterMs = elsewhereMs(pool);
        return afterMs === null ? [] : [[pool.name, afterMs] as const];
      }),
    );
    this.#forgetFailures(journal, wallMs);
    if (limits.size === 0) {
      state.unfit.clear();
      this.#sinceMs.clear();
      return;
    }
    const observed = state.observed(nowMs);
    for (const id of [...this.#sinceMs.keys(), ...state.unfit])
      if (!state.instances.has(id)) this.#isWell(id);
    for (const instance of observed.instances) {
      const afterMs = limits.get(instance.pool);
      if (afterMs === undefined || !isTrouble(instance, observed)) this.#isWell(instance.functionId);
      else this.#follow(instance, afterMs, observed, journal, moment);
    }
  }

  #follow(
    instance: ObservedInstance,
    afterMs: number,
    observed: Observed,
    journal: Journal,
    { nowMs, wallMs }: Moment,
  ): void {
    const { functionId } = instance;
    const sinceMs = this.#sinceMs.get(functionId) ?? nowMs;
    this.#sinceMs.set(functionId, sinceMs);
    const dueMs = sinceMs + afterMs;
    if (dueMs > nowMs) {
      this.#dueMs = Math.min(this.#dueMs ?? dueMs, dueMs);
      return;
    }
    this.#state.unfit.add(functionId);
    const declared = this.#state.set?.declared;
    if (!declared || this.#stuck.has(functionId) || observed.isFrozen) return;
    if (refugeOf(instance, declared, observed)) return;
    this.#stuck.add(functionId);
    const tried = [...(instance.failedOn ?? []), instance.node].join(', ');
    const message = `${instanceName(instance)} was not ready on ${tried} for ${afterMs} ms, and no other node is free for it: it stays on ${instance.node}, where it is tried again.`;
    journal.event(wallMs, 'instance.stuck', 'error', `instance ${instanceName(instance)}`, message);
  }

  #isWell(functionId: number): void {
    this.#sinceMs.delete(functionId);
    this.#stuck.delete(functionId);
    this.#state.unfit.delete(functionId);
  }

  #forgetFailures(journal: Journal, wallMs: number): void {
    for (const [id, record] of this.#state.instances) {
      const { failedOn, ...rest } = record;
      if (!failedOn) continue;
      const kept = failedOn.filter(({ atMs }) => atMs > wallMs - FORGET_MS);
      if (kept.length === failedOn.length) continue;
      const value = kept.length === 0 ? rest : { ...rest, failedOn: kept };
      this.#state.instances.set(id, value);
      journal.save({ table: 'instances', key: String(id), value });
    }
  }
}

function elsewhereMs({ restart }: DeclaredPool): number | null {
  return restart?.elsewhereMs ?? null;
}

/** Not ready where it could be: on a node that is there, or on one that is lost. Nobody knows of a node that left. */
function isTrouble(instance: ObservedInstance, observed: Observed): boolean {
  const nodes = indexed(observed).nodes;
  const node = nodes.get(instance.node);
  if (instance.move || instance.status === 'Terminating') return false;
  return node?.state === 'lost' || (takesOrders(node) && !isReady(instance, nodes));
}
