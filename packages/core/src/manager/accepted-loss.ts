// SPDX-License-Identifier: Apache-2.0

import type { FailoverRecord } from '@vnfpool/wire/mobility';
import { formatEpoch } from '../identity.ts';
import type { AcceptedLossView } from '../management/sharing-views.ts';
import { indexed } from '../planner/indexed.ts';
import { instanceName, isReady, refusalOf } from '../planner/observed.ts';
import { rankingOf } from '../planner/roles.ts';
import { isByAgents } from '../state-level/carried.ts';
import type { Journal } from './journal.ts';
import { knownLoss, knownLossWords } from './known-loss.ts';
import { type Refusal, refuse } from './refusal.ts';
import type { ManagerState } from './state.ts';

/**
 * An operator lets an instance take a slot whose state is shared, though nobody who has that state is there: it goes on with what it
 * has. Good for the epoch that is known now: whoever takes the slot first ends it.
 */
export function acceptLoss(
  state: ManagerState,
  journal: Journal,
  request: { readonly pool: string; readonly index: number; readonly to?: string },
  { nowMs, wallMs }: { readonly nowMs: number; readonly wallMs: number },
): { readonly ok: true; readonly to: string; readonly acceptedLoss: AcceptedLossView } | Refusal {
  const where = `slot ${request.index} of ${request.pool}`;
  const pool = state.set?.declared.pools.find(({ name }) => name === request.pool);
  if (!pool) return refuse('NOT_FOUND', `There is no pool ${request.pool}.`);
  const observed = state.observed(nowMs);
  const slot = observed.slots.find(({ pool: of, index }) => of === request.pool && index === request.index);
  if (!slot) return refuse('NOT_FOUND', `Pool ${request.pool} has no slot ${request.index}.`);
  const level = state.sharing.get(pool.name)?.level;
  if (!level || !isByAgents(level))
    return refuse('NOT_READY', `The state of ${request.pool} is not shared: there is no loss to accept.`);
  if (slot.holder !== null)
    return refuse('NOT_READY', `Somebody holds ${where}: hand it over without accepting a loss.`);
  const candidates = rankingOf(pool, slot.index, observed)
    .map((functionId) => observed.instances.find((instance) => instance.functionId === functionId))
    .filter((instance) => instance !== undefined);
  const names = candidates.map(instanceName).join(', ');
  const losses = knownLossWords(state, slot, candidates, wallMs);
  if (request.to === undefined)
    return refuse('NOT_FOUND', `Say who is to take ${where} without its state: ${names}.${losses}`);
  const wanted = candidates.find((instance) => instanceName(instance) === request.to);
  if (!wanted)
    return refuse('NOT_FOUND', `${request.to} is no candidate for ${where}; candidates: ${names}.${losses}`);
  if (!isReady(wanted, indexed(observed).nodes))
    return refuse('NOT_READY', `${request.to} is not ready to take the slot.`);
  const refusal = refusalOf(wanted, slot);
  if (refusal) return refuse('NOT_READY', `${wanted.node} would not serve ${where}: ${refusal.why}.`);
  const { epoch } = slot;
  const loss = knownLoss(state, slot.id, wanted, wallMs);
  state.acceptedLosses.set(slot.id, { to: wanted.functionId, epoch, loss });
  const message = `An operator lets ${request.to} take ${where} without its state, behind epoch ${formatEpoch(epoch)}. ${loss.words}`;
  journal.event(wallMs, 'slot.loss-accepted', 'warning', `slot ${request.pool}/${request.index}`, message);
  return { ok: true, to: request.to, acceptedLoss: loss };
}

/** What was accepted of the loss of a failover; whoever takes the slot first ends it. */
export function acceptedLossOf(
  state: ManagerState,
  record: Pick<FailoverRecord, 'slot' | 'epoch' | 'to'>,
): AcceptedLossView | undefined {
  const accepted = state.acceptedLosses.get(record.slot);
  if (accepted === undefined || Number(record.epoch) <= accepted.epoch) return undefined;
  state.acceptedLosses.delete(record.slot);
  return accepted.to === record.to.functionId ? accepted.loss : undefined;
}
