// SPDX-License-Identifier: Apache-2.0
import { indexed } from '../planner/indexed.ts';
import { isReady } from '../planner/observed.ts';
import { type ManagerState, STEADY_MS } from './state.ts';

/** Remembers since when instances are ready without a break, as far as this manager has seen. */
export function watchReadiness(state: ManagerState, nowMs: number): void {
  const observed = state.observed(nowMs);
  const { nodes } = indexed(observed);
  const ready = new Set(
    observed.instances.filter((instance) => isReady(instance, nodes)).map(({ functionId }) => functionId),
  );
  for (const id of state.readySinceMs.keys()) if (!ready.has(id)) state.readySinceMs.delete(id);
  for (const id of ready) if (!state.readySinceMs.has(id)) state.readySinceMs.set(id, nowMs);
}

/** When instances become steady, while anybody holds more than one slot; later than `afterMs`. */
export function steadyDeadlines(state: ManagerState, afterMs: number): number[] {
  const holders = state.holders().map(({ functionId }) => functionId);
  if (new Set(holders).size === holders.length) return [];
  return [...state.readySinceMs.values()].map((atMs) => atMs + STEADY_MS).filter((atMs) => atMs > afterMs);
}
