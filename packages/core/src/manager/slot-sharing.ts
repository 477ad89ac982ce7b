// SPDX-License-Identifier: Apache-2.0
import type { FirstPacketReport, SharingReport, SlotCandidate, StandbyReport } from '@vnfpool/wire/mobility';
import type { DeclaredPool } from '../declared/set.ts';
import type { SlotSharingView, StandbyStateView } from '../management/sharing-views.ts';
import type { ObservedSlot } from '../planner/observed.ts';
import { isCarriedBySlot } from '../state-level/carried.ts';
import { slotLossWords } from '../state-level/words.ts';
import type { Journal } from './journal.ts';
import type { SlotRecord } from './records.ts';
import { isProtected, tellProtection, unprotectedWords, type Which } from './slot-protection.ts';
import { damageWords, overrunWords, tellSource } from './source-news.ts';
import {
  breakWords,
  differsWords,
  standbyAt,
  standbyName,
  tellBreaks,
  tellDigests,
  tellStandbys,
} from './standby-news.ts';
import type { ManagerState, ToldSharing } from './state.ts';

/**
 * Takes what a slot's holder says of its standbys; what changes for the worse, and back, is an event.
 *
 * @param holder Who says it: one that stays, under whichever epoch, goes on with what it said before
 */
export function takeSharing(
  state: ManagerState,
  journal: Journal,
  slot: SlotRecord,
  { epoch, holder, report }: Pick<ToldSharing, 'epoch' | 'holder'> & { readonly report?: SharingReport },
  wallMs: number,
): void {
  const known = state.sharingReports.get(slot.id);
  // What a former holder said is no news of this one's standbys. Each change of the list is another epoch of the same one.
  const former = known && isSame(known.holder, holder) ? known.report : undefined;
  if (report === undefined) {
    state.sharingReports.delete(slot.id);
    return;
  }
  // Whoever comes next is expected to have found somebody; where it was told of the one before that nobody was there, it is news.
  const isNews = state.toldUnprotected.has(slot.id) && isProtected(state, slot, report);
  const wasProtected = former === undefined ? !isNews : known?.isProtected === true;
  state.sharingReports.set(slot.id, { epoch, holder, report, atMs: wallMs, isProtected: wasProtected });
  const subject = `slot ${slot.pool}/${slot.index}`;
  const tell = (type: string, severity: 'info' | 'warning' | 'error', message: string): void =>
    journal.event(wallMs, type, severity, subject, message);
  if (former) tellStandbys(state, slot, former, report, tell);
  tellDigests(state, slot, former, report, tell);
  tellBreaks(state, slot, former, report, tell);
  tellProtection(state, journal, slot, former ? 'error' : 'warning', wallMs);
  tellSource(slot, former, report, nodeName(state, holder.node), tell);
  if (report.isLossy && former?.isLossy !== true) tell('slot.lossy', 'warning', lossyWords(slot));
}

function isSame(a: SlotCandidate, b: SlotCandidate): boolean {
  return a.node === b.node && a.functionId === b.functionId;
}

function isHolder(state: ManagerState, slot: string, who: SlotCandidate): boolean {
  const holder = state.holdings.get(slot)?.holder;
  return holder ? isSame(holder, who) : false;
}

function nodeName(state: ManagerState, node: number): string {
  return state.nodeById(node)?.name ?? `node ${node}`;
}

function lossyWords({ pool, index }: Which): string {
  return `The holder of slot ${index} of ${pool} may have begun without some of its state.`;
}

/** What is declared of a pool; of one that is declared no more, nothing. */
export function declaredOf(state: ManagerState, pool: string): Pick<DeclaredPool, 'sharing' | 'failover'> {
  return state.set?.declared.pools.find(({ name }) => name === pool) ?? { failover: { leaseMs: 0 } };
}

/** How the state of a slot goes to its standbys, or to a store; null: agents share none of it, or nobody holds it. */
export function slotSharingView(
  state: ManagerState,
  slot: Pick<ObservedSlot, 'id' | 'pool' | 'index' | 'epoch' | 'holder'>,
): SlotSharingView | null {
  const level = state.sharing.get(slot.pool)?.level;
  if (!level || !isCarriedBySlot(level) || slot.holder === null) return null;
  const method = level.method as SlotSharingView['method'];
  const told = state.sharingReports.get(slot.id);
  // Others may have told of its next epoch before it did.
  if (told === undefined || (told.epoch !== slot.epoch && !isHolder(state, slot.id, told.holder))) {
    const verdict = `The holder of slot ${slot.index} of ${slot.pool} has not told who has its state: a failover may lose state.`;
    return { method, isProtected: false, isLossy: false, verdict, state: null, standbys: [] };
  }
  const { report, atMs } = told;
  const { keys, bytes, sequence, updatesPerSecond, waiting, isLossy } = report;
  const { checkpoint, damage, fault, firstPackets, overruns, refusals } = report;
  const alarms = alarmsOf(state, slot, told);
  const isSafe = isProtected(state, slot, report);
  const verdict = [
    isSafe
      ? `A failover loses ${slotLossWords(level, declaredOf(state, slot.pool))}.`
      : unprotectedWords(state, slot, report),
    ...(isLossy ? [lossyWords(slot)] : []),
  ].join(' ');
  return {
    method,
    isProtected: isSafe,
    isLossy,
    verdict,
    state: { at: atMs, keys, bytes, sequence, updatesPerSecond, waiting },
    ...(alarms.length > 0 ? { alarms } : {}),
    standbys: report.standbys.map((each) => standbyView(state, slot.pool, each, atMs)),
    ...(checkpoint ? { checkpoint } : {}),
    ...(overruns ? { overruns } : {}),
    ...(damage ? { damage } : {}),
    ...(fault ? { fault } : {}),
    ...(refusals ? { refusals } : {}),
    ...(firstPackets ? { firstPackets: firstPacketsView(firstPackets) } : {}),
  };
}

function firstPacketsView({
  waiting,
  released,
  dropped,
}: FirstPacketReport): NonNullable<SlotSharingView['firstPackets']> {
  return { waiting, released, dropped };
}

function standbyView(
  state: ManagerState,
  pool: string,
  { node, digests, ...rest }: StandbyReport,
  atMs: number,
): StandbyStateView {
  const { instance, name } = standbyAt(state, pool, node);
  const view = { instance, node: name, ...rest };
  if (digests === undefined) return view;
  const { sinceAgreedMs, ...compared } = digests;
  const agreedAt = sinceAgreedMs === null ? null : atMs - sinceAgreedMs;
  return { ...view, digests: { ...compared, agreedAt } };
}

/** What is to be looked at now, in sentences, though all that was agreed on may be kept. */
function alarmsOf(state: ManagerState, slot: Which, { report, holder }: ToldSharing): string[] {
  const of = `the state of slot ${slot.index} of ${slot.pool}`;
  const alarms = report.standbys.flatMap((standby) => {
    const who = standbyName(state, slot.pool, standby.node);
    return [
      ...(standby.digests?.isDiffering ? [differsWords(who, slot)] : []),
      ...(standby.breaks?.isAmid ? [breakWords(who, slot, standby.breaks.reason)] : []),
      ...(standby.state === 'silent' ? [`${who} does not answer: it gets ${of} no more.`] : []),
      ...(standby.state === 'away' ? [`${who} cannot be reached: it gets ${of} no more.`] : []),
    ];
  });
  if ((report.damage?.now ?? 0) > 0) alarms.push(damageWords(slot, nodeName(state, holder.node)));
  if (report.overruns?.isAmid) alarms.push(overrunWords(slot, nodeName(state, holder.node)));
  return alarms;
}
