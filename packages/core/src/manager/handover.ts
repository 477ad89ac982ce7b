// SPDX-License-Identifier: Apache-2.0

import type { Random } from '../core.ts';
import { indexed } from '../planner/indexed.ts';
import { instanceName, isReady, isReadyFor, refusalOf } from '../planner/observed.ts';
import { rankingOf } from '../planner/roles.ts';
import { lacksState } from '../planner/slot-sharing.ts';
import { slotsPerInstance } from '../planner/surplus.ts';
import { hex64 } from './hex64.ts';
import type { Journal } from './journal.ts';
import { knownLossWords } from './known-loss.ts';
import { type Refusal, refuse } from './refusal.ts';
import type { ManagerState } from './state.ts';

/** A hand-over that nobody carried out is forgotten after this time. */
const HANDOVER_MS = 10_000;

/** Has a slot handed over: its holder is told with the next orders. */
export function beginHandover(
  state: ManagerState,
  { slot, to }: { readonly slot: string; readonly to: number },
  random: Random,
  nowMs: number,
): void {
  state.handovers.set(slot, { to, nonce: hex64(random.u64()), untilMs: nowMs + HANDOVER_MS });
}

/** Forgets hand-overs that nobody carried out. */
export function expireHandovers(state: ManagerState, journal: Journal, nowMs: number, wallMs: number): void {
  for (const [id, { untilMs }] of state.handovers) {
    if (untilMs > nowMs) continue;
    state.handovers.delete(id);
    const slot = state.slots.get(id);
    if (!slot) continue;
    const message = 'The hand-over was not carried out in time; the holder stays.';
    journal.event(wallMs, 'handover.failed', 'warning', `slot ${slot.pool}/${slot.index}`, message);
  }
}

/** Checks a hand-over that a person asks for; gives the slot and the Function ID that shall hold it. */
export function chooseSuccessor(
  state: ManagerState,
  request: { readonly pool: string; readonly index: number; readonly to?: string },
  { nowMs, wallMs }: { readonly nowMs: number; readonly wallMs: number },
): { readonly slot: string; readonly to: number; readonly name: string } | Refusal {
  const pool = state.set?.declared.pools.find(({ name }) => name === request.pool);
  if (!pool) return refuse('NOT_FOUND', `There is no pool ${request.pool}.`);
  const observed = state.observed(nowMs);
  const slot = observed.slots.find(({ pool: of, index }) => of === request.pool && index === request.index);
  if (!slot) return refuse('NOT_FOUND', `Pool ${request.pool} has no slot ${request.index}.`);
  const candidates = rankingOf(pool, slot.index, observed)
    .map((functionId) => observed.instances.find((instance) => instance.functionId === functionId))
    .filter((instance) => instance !== undefined);
  if (slot.holder === null)
    return refuse(
      'NOT_READY',
      `Nobody holds slot ${request.index} of ${request.pool}, so it cannot be handed over.${knownLossWords(state, slot, candidates, wallMs)}`,
    );
  if (slot.handover)
    return refuse('NOT_READY', `Slot ${request.index} of ${request.pool} is being handed over already.`);
  const holder = observed.instances.find(({ functionId }) => functionId === slot.holder);
  if (holder?.move)
    return refuse('NOT_READY', `${instanceName(holder)} moves to ${holder.move.to}, and its slot with it.`);
  const nodes = indexed(observed).nodes;
  const isFull = ({ functionId }: { readonly functionId: number }): boolean =>
    observed.slots.filter(({ holder: of }) => of === functionId).length >= slotsPerInstance(pool);
  if (request.to !== undefined) {
    const wanted = candidates.find((instance) => instanceName(instance) === request.to);
    if (!wanted)
      return refuse(
        'NOT_FOUND',
        `${request.to} is no candidate for slot ${request.index} of ${request.pool}; candidates: ${candidates.map(instanceName).join(', ')}.`,
      );
    if (wanted.functionId === slot.holder)
      return refuse('NOT_READY', `${request.to} holds the slot already.`);
    if (!isReady(wanted, nodes)) return refuse('NOT_READY', `${request.to} is not ready to take the slot.`);
    const refusal = refusalOf(wanted, slot);
    if (refusal) return refuse('NOT_READY', `${wanted.node} would not serve the slot: ${refusal.why}.`);
    if (isFull(wanted))
      return refuse('NOT_READY', `${request.to} holds a slot, and may not hold another one.`);
    if (lacksState(slot, wanted, observed))
      return refuse(
        'NOT_READY',
        `${request.to} has not all of the slot's state yet.${knownLossWords(state, slot, [wanted], wallMs)}`,
      );
    return { slot: slot.id, to: wanted.functionId, name: request.to };
  }
  const next = candidates.find(
    (instance) =>
      instance.functionId !== slot.holder &&
      isReadyFor(slot, instance, nodes) &&
      !isFull(instance) &&
      !lacksState(slot, instance, observed),
  );
  if (!next)
    return refuse('NOT_READY', `No other candidate for slot ${request.index} of ${request.pool} is ready.`);
  return { slot: slot.id, to: next.functionId, name: instanceName(next) };
}
