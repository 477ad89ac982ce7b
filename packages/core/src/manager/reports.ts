// SPDX-License-Identifier: Apache-2.0

import type { FailoverRecord, SlotCandidate, SlotReport, SlotState } from '@vnfpool/wire/mobility';
import { formatEpoch } from '../identity.ts';
import { stallAdvice } from '../lease/index.ts';
import type { FailoverView, TrafficReport } from '../management/views.ts';
import { instanceName } from '../planner/observed.ts';
import { isSame } from '../same.ts';
import { acceptedLossOf } from './accepted-loss.ts';
import { takeCouncilReports } from './council.ts';
import { failoverView, withOutage } from './failovers.ts';
import { failoverKey, reclassifyOthers, takeHost, takePassedOn, withClass } from './failure-class.ts';
import { formerHolding, heldBefore } from './former-holding.ts';
import { handedFromNow } from './handover.ts';
import type { Journal } from './journal.ts';
import { takeMergeable } from './mergeable.ts';
import { type HoldingRecord, ROWS_MAX } from './records.ts';
import { tellProtection } from './slot-protection.ts';
import { takeRefusal } from './slot-refusals.ts';
import { takeSharing } from './slot-sharing.ts';
import { takeTrouble } from './slot-troubles.ts';
import type { ManagerState, NodeLife } from './state.ts';

const OUTAGES_MAX = 50;
const SOURCES_MAX = 64;

/** Takes what a node knows of slots. The highest epoch wins; what is older is ignored. */
export function takeSlotReport(
  state: ManagerState,
  journal: Journal,
  node: string,
  report: SlotReport,
  wallMs: number,
): void {
  const life = state.lives.get(node);
  if (report.councils) takeCouncilReports(state, journal, node, report.councils, wallMs);
  if (life) {
    life.muteUntilMs = wallMs + report.muteMs;
    if (report.stalls) {
      life.stalls = report.stalls;
      tellTightPools(state, journal, node, life, wallMs);
    }
  }
  for (const slot of report.slots) takeSlot(state, journal, node, slot, wallMs);
  takeMergeable(state, journal, node, report.mergeable, wallMs);
  takeHost(state, journal, node, report.host, wallMs);
  for (const record of report.failovers) takeFailover(state, journal, record, wallMs);
}

/** Says once which pools change hands faster than their node can be relied on; again only after it fitted. */
function tellTightPools(
  state: ManagerState,
  journal: Journal,
  node: string,
  { stalls, tightPools }: NodeLife,
  wallMs: number,
): void {
  const hosted = new Set(
    [...state.instances.values()].filter((each) => each.node === node).map(({ pool }) => pool),
  );
  const pools = state.set?.declared.pools ?? [];
  for (const pool of pools.filter(({ name }) => hosted.has(name))) {
    const advice = stalls ? stallAdvice(pool.failover.leaseMs, stalls) : undefined;
    if (advice === undefined) tightPools.delete(pool.name);
    else if (!tightPools.has(pool.name)) {
      tightPools.add(pool.name);
      const message = `For pool ${pool.name}, ${node} ${advice}.`;
      journal.event(wallMs, 'node.stalls', 'warning', `node ${node}`, message);
    }
  }
}

function takeSlot(
  state: ManagerState,
  journal: Journal,
  node: string,
  told: SlotState,
  wallMs: number,
): void {
  const slot = state.slots.get(told.id);
  const epoch = epochNumber(told.epoch);
  if (!slot || epoch === undefined) return;
  takeRefusal(state, journal, node, slot, told, wallMs);
  takeTrouble(state, journal, node, slot, told, wallMs);
  takePassedOn(state, journal, node, told, wallMs);
  tellProtection(state, journal, slot, 'error', wallMs);
  const known: HoldingRecord = state.holdings.get(slot.id) ?? { epoch: 0, holder: null, sinceMs: null };
  if (epoch < known.epoch) return;
  const ended = state.endedEpochs.get(slot.id);
  // On its way since before the release, of which another node has told meanwhile.
  if (told.state === 'holding' && ended?.epoch === epoch && ended.isReleased) return;
  if (told.state === 'holding' && told.holder) {
    const sharing = { epoch, holder: told.holder, ...(told.sharing ? { report: told.sharing } : {}) };
    takeSharing(state, journal, slot, sharing, wallMs);
  }
  takeAdmitted(state, slot.id, epoch, told.candidates);
  const reporter = state.nodes.get(node)?.id;
  let { holder } = known;
  let ranOut = '';
  // Whoever heard the release knows that it is over, and so does its holder's own node.
  const isEnd = told.state === 'free' && (told.isReleased === true || holder?.node === reporter);
  const isOver = noteOver(state, slot.id, epoch, node, told.state === 'free');
  if (epoch > known.epoch || told.state === 'holding') {
    holder = told.state === 'free' ? null : told.holder;
    state.endedEpochs.delete(slot.id);
  } else if (told.state === 'held' && holder === null) {
    // Whoever was away tells what it knew last; what has ended since, for its holder's node or for a majority, stays ended.
    if (!isOver && ended?.epoch !== epoch) holder = told.holder;
  } else if (told.state === 'free' && holder !== null) {
    // Of an end that nobody has said it takes a majority of the council.
    if (isEnd) holder = null;
    else if (isOver) {
      ranOut = `The lease of ${nameOf(state, holder.functionId)} ran out, and no other candidate could take it.`;
      holder = null;
    }
  }
  if (isEnd) {
    const isReleased = told.isReleased === true || (ended?.epoch === epoch && ended.isReleased);
    state.endedEpochs.set(slot.id, { epoch, isReleased });
  }
  if (ranOut !== '') state.slotReasons.set(slot.id, ranOut);
  else if (told.state === 'free' && told.reason !== '')
    state.slotReasons.set(slot.id, `${node}: ${told.reason}`);
  else if (holder) state.slotReasons.delete(slot.id);
  const moved = holder?.functionId !== known.holder?.functionId || holder?.node !== known.holder?.node;
  if (!moved && epoch === known.epoch) return;
  const former = formerHolding(known, told, epoch, moved);
  const sinceMs = moved ? (holder ? wallMs : null) : known.sinceMs;
  const handedFrom = handedFromNow(state.handovers.get(slot.id), known, { epoch, holder }, moved);
  const value: HoldingRecord = {
    epoch,
    holder,
    sinceMs,
    ...(former && { former }),
    ...(handedFrom !== undefined && { handedFrom }),
  };
  state.holdings.set(slot.id, value);
  journal.save({ table: 'holdings', key: slot.id, value });
  if (!moved) return;
  const subject = `slot ${slot.pool}/${slot.index}`;
  if (holder) {
    // Done; or somebody else was faster, and the new holder has not been asked to let go.
    if (epoch > known.epoch) state.handovers.delete(slot.id);
    journal.event(
      wallMs,
      'slot.taken',
      'info',
      subject,
      `${nameOf(state, holder.functionId)} holds slot ${slot.index} of ${slot.pool} in epoch ${formatEpoch(epoch)}.`,
    );
  } else {
    journal.event(
      wallMs,
      'slot.free',
      'warning',
      subject,
      `Nobody holds slot ${slot.index} of ${slot.pool}${told.reason === '' ? '' : `: ${told.reason}`}.`,
    );
  }
}

function takeAdmitted(
  state: ManagerState,
  slot: string,
  epoch: number,
  candidates: readonly SlotCandidate[],
): void {
  const known = state.admitted.get(slot);
  if (candidates.length === 0 || epoch < (known?.epoch ?? 0)) return;
  // Told again and again: the same list stays the same object, so that nothing follows from it anew.
  const isKnown = isSame(known?.candidates, candidates);
  state.admitted.set(slot, { epoch, candidates: isKnown && known ? known.candidates : candidates });
}

/** Whether a majority of its council has seen the lease of this epoch run out, with what `node` has just said. */
function noteOver(state: ManagerState, slot: string, epoch: number, node: string, isFree: boolean): boolean {
  const members = state.councilOfPool(state.slots.get(slot)?.pool ?? '')?.members ?? [];
  const known = state.overAt.get(slot);
  const over = known?.epoch === epoch ? known : { epoch, nodes: new Set<string>() };
  state.overAt.set(slot, over);
  if (!isFree) over.nodes.delete(node);
  else if (members.includes(node)) over.nodes.add(node);
  return over.nodes.size > members.length / 2;
}

function takeFailover(state: ManagerState, journal: Journal, record: FailoverRecord, wallMs: number): void {
  const slot = state.slots.get(record.slot);
  // The birth of a slot is no failover; a record told again is known.
  if (!slot || record.cause === 'genesis' || state.failovers.some(({ id }) => id === record.id)) return;
  // Behind a decision without a majority no member may know whom the slot was taken from.
  const from = record.from ?? heldBefore(state.holdings.get(slot.id), Number(record.epoch));
  let view = failoverView(
    { ...record, from },
    slot,
    (functionId) => nameOf(state, functionId),
    (id) => state.nodeById(id)?.name ?? `node ${id}`,
  );
  for (const { source, pool, history } of state.traffic.values()) {
    if (pool !== slot.pool) continue;
    for (const outage of history) view = withOutage(view, source, outage);
  }
  view = withClass(state, view, record.cause);
  const acceptedLoss = acceptedLossOf(state, record);
  if (acceptedLoss) view = { ...view, acceptedLoss };
  state.failovers.push(view);
  if (state.failovers.length > ROWS_MAX.failovers) state.failovers.shift();
  saveFailover(journal, view);
  reclassifyOthers(state, journal, view, wallMs);
  const first = view.steps[0]?.at;
  const last = view.steps.at(-1)?.at;
  const took =
    first === undefined || last === undefined
      ? ''
      : ` It took ${Math.round(last - first)} ms from detection to service.`;
  journal.event(
    last ?? 0,
    'failover',
    view.class === 'planned' ? 'info' : 'warning',
    `slot ${slot.pool}/${slot.index}`,
    `${view.to} took slot ${slot.index} of ${slot.pool}${fromWhom(view)} because ${view.cause} (class ${view.class}: ${view.evidence}).${took}`,
  );
}

/** ` from web#1`; of an instance that moved its slot along, ` from node-a to node-c`. */
function fromWhom({ from, to, fromNode, toNode }: FailoverView): string {
  if (from === null) return '';
  return from === to ? ` from ${fromNode} to ${toNode}` : ` from ${from}`;
}

/** Takes what a traffic source saw, and gives outages to the failovers that they belong to. */
export function takeTraffic(
  state: ManagerState,
  journal: Journal,
  report: TrafficReport,
  wallMs: number,
): void {
  const former = state.traffic.get(report.source);
  // A source beyond the bound is not shown; the ones that were there first stay.
  if (!former && state.traffic.size >= SOURCES_MAX) return;
  // The same outage may be told again with a higher count: failures are known only at their own deadlines.
  const told = new Map(
    [...(former?.history ?? []), ...report.outages].map((outage) => [outage.lastOkAt, outage]),
  );
  const history = [...told.values()].slice(-OUTAGES_MAX);
  state.traffic.set(report.source, { ...report, updatedAt: wallMs, history });
  if (report.outages.length === 0) return;
  state.failovers = state.failovers.map((failover) => {
    if (failover.pool !== report.pool) return failover;
    const merged = report.outages.reduce((view, outage) => withOutage(view, report.source, outage), failover);
    if (merged !== failover) saveFailover(journal, merged);
    return merged;
  });
}

function saveFailover(journal: Journal, view: FailoverView): void {
  journal.save({ table: 'failovers', key: failoverKey(view), value: view });
}

export function nameOf(state: ManagerState, functionId: number): string {
  const instance = state.instances.get(functionId);
  return instance ? instanceName(instance) : `function ${functionId}`;
}

/** A node's decimal epoch as a number; undefined when it is none. */
function epochNumber(text: string): number | undefined {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : undefined;
  return value !== undefined && Number.isSafeInteger(value) ? value : undefined;
}
