// SPDX-License-Identifier: Apache-2.0

import type { Random } from '../core.ts';
import type { DeclaredPool } from '../declared/set.ts';
import { handedFrom } from '../planner/balance.ts';
import { indexed } from '../planner/indexed.ts';
import {
  instanceName,
  isReady,
  isReadyFor,
  type Observed,
  type ObservedInstance,
  type ObservedSlot,
  refusalOf,
} from '../planner/observed.ts';
import { rankingOf } from '../planner/roles.ts';
import { lacksState } from '../planner/slot-sharing.ts';
import { isNWay, slotsPerInstance } from '../planner/surplus.ts';
import { hex64 } from './hex64.ts';
import type { Journal } from './journal.ts';
import { knownLossWords } from './known-loss.ts';
import type { HoldingRecord } from './records.ts';
import { type Refusal, refuse } from './refusal.ts';
import type { Handover, ManagerState } from './state.ts';

/** A hand-over that nobody carried out is forgotten after this time. */
const HANDOVER_MS = 10_000;

/** Has a slot handed over: its holder is told with the next orders. */
export function beginHandover(
  state: ManagerState,
  { slot, to, handedFrom }: Pick<Handover, 'to' | 'handedFrom'> & { readonly slot: string },
  random: Random,
  nowMs: number,
): void {
  const untilMs = nowMs + HANDOVER_MS;
  state.handovers.set(slot, {
    to,
    nonce: hex64(random.u64()),
    untilMs,
    ...(handedFrom !== undefined && { handedFrom }),
  });
}

/**
 * Whom an operator takes a slot from that would be balanced away again from where it is put; undefined: the slots of its pool
 * are not shared, or it is given back. Taken from one after the other it counts where it was first.
 */
function takenFrom(
  pool: DeclaredPool,
  slot: ObservedSlot,
  to: number,
  observed: Observed,
): number | undefined {
  if (!isNWay(pool)) return undefined;
  const from = handedFrom(pool, slot, observed)?.functionId ?? slot.holder ?? undefined;
  return from === to ? undefined : from;
}

/** What a holder was given on purpose stays marked while it holds it, also over a new lease of its own. */
export function handedFromNow(
  handover: Handover | undefined,
  known: HoldingRecord,
  { epoch, holder }: Pick<HoldingRecord, 'epoch' | 'holder'>,
  moved: boolean,
): number | undefined {
  if (!moved) return known.handedFrom;
  return epoch > known.epoch && handover?.to === holder?.functionId ? handover?.handedFrom : undefined;
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

/** The slot, and the Function ID and name of the instance that shall hold it. */
interface Successor extends Pick<Handover, 'to' | 'handedFrom'> {
  readonly slot: string;
  readonly name: string;
}

/** Checks a hand-over that a person asks for. */
export function chooseSuccessor(
  state: ManagerState,
  request: { readonly pool: string; readonly index: number; readonly to?: string },
  { nowMs, wallMs }: { readonly nowMs: number; readonly wallMs: number },
): Successor | Refusal {
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
  const successor = (instance: ObservedInstance): Successor => {
    const from = takenFrom(pool, slot, instance.functionId, observed);
    return {
      slot: slot.id,
      to: instance.functionId,
      name: instanceName(instance),
      ...(from !== undefined && { handedFrom: from }),
    };
  };
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
    return successor(wanted);
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
  return successor(next);
}
