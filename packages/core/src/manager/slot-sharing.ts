// SPDX-License-Identifier: Apache-2.0
import type { FirstPacketReport, SharingReport, StandbyReport } from '@vnfpool/wire/mobility';
import type { SlotSharingView, StandbyStateView } from '../management/sharing-views.ts';
import { instanceName, type ObservedSlot } from '../planner/observed.ts';
import { isCarriedBySlot } from '../state-level/carried.ts';
import { acknowledgedBy, lossOf } from '../state-level/level.ts';
import { slotLossWords } from '../state-level/words.ts';
import type { Journal } from './journal.ts';
import type { SlotRecord } from './records.ts';
import type { ManagerState } from './state.ts';

/** Takes what a slot's holder says of its standbys; what changes for the worse, and back, is an event. */
export function takeSharing(
  state: ManagerState,
  journal: Journal,
  slot: SlotRecord,
  epoch: number,
  report: SharingReport | undefined,
  wallMs: number,
): void {
  const known = state.sharingReports.get(slot.id);
  // What a former holder said is no news of this one's standbys.
  const former = known?.epoch === epoch ? known.report : undefined;
  if (report === undefined) {
    state.sharingReports.delete(slot.id);
    return;
  }
  state.sharingReports.set(slot.id, { epoch, report, atMs: wallMs });
  const subject = `slot ${slot.pool}/${slot.index}`;
  const tell = (type: string, severity: 'info' | 'warning' | 'error', message: string): void =>
    journal.event(wallMs, type, severity, subject, message);
  if (former) tellStandbys(state, slot, former, report, tell);
  const wasProtected = former === undefined || isProtected(state, slot.pool, former);
  const isNow = isProtected(state, slot.pool, report);
  if (wasProtected && !isNow)
    tell('slot.unprotected', former ? 'error' : 'warning', unprotectedWords(state, slot, report));
  else if (!wasProtected && isNow)
    tell(
      'slot.protected',
      'info',
      report.checkpoint
        ? `The store has the state of slot ${slot.index} of ${slot.pool}, as agreed.`
        : `Standbys have the state of slot ${slot.index} of ${slot.pool} again.`,
    );
  tellFault(slot, former, report, tell);
  tellFirstPackets(slot, former, report, tell);
  if (report.isLossy && former?.isLossy !== true) tell('slot.lossy', 'warning', lossyWords(slot));
}

function tellFault(
  { index, pool }: SlotRecord,
  former: SharingReport | undefined,
  { fault }: SharingReport,
  tell: (type: string, severity: 'info' | 'warning', message: string) => void,
): void {
  const of = `of the state of slot ${index} of ${pool}`;
  // What it is in figures changes all the time.
  if (fault && !former?.fault) tell('slot.not-told', 'warning', `Not all ${of} is told: ${fault}.`);
  if (former?.fault && !fault) tell('slot.told', 'info', `All ${of} is told again.`);
}

function tellFirstPackets(
  { index, pool }: SlotRecord,
  former: SharingReport | undefined,
  { firstPackets }: SharingReport,
  tell: (type: string, severity: 'info' | 'warning', message: string) => void,
): void {
  const was = former?.firstPackets?.isDropping === true;
  const isNow = firstPackets?.isDropping === true;
  const of = `slot ${index} of ${pool}`;
  if (isNow && !was)
    tell(
      'slot.first-packets-dropped',
      'warning',
      `First packets of new flows are dropped at ${of}, as they would wait for its standbys too long, or too many do: ${firstPackets.dropped} so far.`,
    );
  if (was && !isNow)
    tell('slot.first-packets-pass', 'info', `First packets of new flows pass at ${of} again.`);
}

function tellStandbys(
  state: ManagerState,
  slot: SlotRecord,
  former: SharingReport,
  report: SharingReport,
  tell: (type: string, severity: 'info' | 'warning', message: string) => void,
): void {
  const of = `the state of slot ${slot.index} of ${slot.pool}`;
  const all = new Set([...former.standbys, ...report.standbys].map(({ node }) => node));
  for (const node of all) {
    const [before, now] = [former, report].map(({ standbys }) => standbys.find((each) => each.node === node));
    const who = standbyName(state, slot.pool, node);
    if (before?.isListed && !now?.isListed)
      tell(
        'slot.standby-unlisted',
        'warning',
        `${who} does not count as having ${of} any more${whyNot(now)}.`,
      );
    else if (now?.isListed && !before?.isListed)
      tell('slot.standby-listed', 'info', `${who} has ${of} and may take over.`);
    else if (now?.isListed && now.state === 'silent' && before?.state !== 'silent')
      tell(
        'slot.standby-silent',
        'warning',
        `${who} may take over and does not answer: it gets ${of} no more.`,
      );
  }
}

const STATES: Readonly<Record<StandbyReport['state'], string>> = {
  away: 'there is no connection',
  opening: 'its connection is being opened',
  filling: 'it is being filled',
  following: 'it lags too far behind',
  silent: 'it does not answer',
};

function whyNot(standby: StandbyReport | undefined): string {
  return `: ${standby ? STATES[standby.state] : 'it is no candidate any more'}`;
}

/** `kv#2 on node-b`, or the node alone. */
function standbyName(state: ManagerState, pool: string, node: number): string {
  const { instance, name } = standbyAt(state, pool, node);
  return instance === null ? name : `${instance} on ${name}`;
}

function standbyAt(
  state: ManagerState,
  pool: string,
  node: number,
): { readonly instance: string | null; readonly name: string } {
  const name = state.nodeById(node)?.name ?? `node ${node}`;
  const instance = [...state.instances.values()].find((each) => each.pool === pool && each.node === name);
  return { instance: instance ? instanceName(instance) : null, name };
}

/** How many standbys have to have the state: as many as acknowledge it, and one at least. */
function wantedBy(state: ManagerState, pool: string): number {
  const level = state.sharing.get(pool)?.level;
  return Math.max(1, level ? acknowledgedBy(level) : 0);
}

function listedOf({ standbys }: SharingReport): number {
  return standbys.filter(({ isListed }) => isListed).length;
}

function isProtected(state: ManagerState, pool: string, report: SharingReport): boolean {
  return !report.fault && hasCopies(state, pool, report);
}

function hasCopies(state: ManagerState, pool: string, report: SharingReport): boolean {
  return report.checkpoint ? report.checkpoint.isCurrent : listedOf(report) >= wantedBy(state, pool);
}

type Which = Pick<SlotRecord, 'pool' | 'index'>;

function unprotectedWords(state: ManagerState, slot: Which, report: SharingReport): string {
  const { pool, index } = slot;
  const words = hasCopies(state, pool, report) ? [] : [copiesWords(state, slot, report)];
  if (report.fault)
    words.push(
      `Not all of the state of slot ${index} of ${pool} is told, and a failover would lose the rest: ${report.fault}.`,
    );
  return words.join(' ');
}

function copiesWords(state: ManagerState, { pool, index }: Which, report: SharingReport): string {
  const { checkpoint } = report;
  if (checkpoint) {
    const why = checkpoint.fault && ` The last try failed: ${checkpoint.fault}.`;
    const level = state.sharing.get(pool)?.level;
    const isHeld = level !== undefined && lossOf(level) === 0;
    const then = isHeld ? 'what they bring about waits for it' : 'a failover would lose them';
    return `The store lacks changes of slot ${index} of ${pool} that are ${checkpoint.ageMs} ms old: ${then}.${why}`;
  }
  const listed = listedOf(report);
  return listed === 0
    ? `No standby has the state of slot ${index} of ${pool}: a failover would lose state.`
    : `${listed} of the ${wantedBy(state, pool)} standbys that have to acknowledge the state of slot ${index} of ${pool} have it.`;
}

function lossyWords({ pool, index }: Which): string {
  return `The holder of slot ${index} of ${pool} may have begun without some of its state.`;
}

/** 0: the pool is declared no more. */
export function leaseMsOf(state: ManagerState, pool: string): number {
  return state.set?.declared.pools.find(({ name }) => name === pool)?.failover.leaseMs ?? 0;
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
  if (told?.epoch !== slot.epoch) {
    const verdict = `The holder of slot ${slot.index} of ${slot.pool} has not told who has its state: a failover may lose state.`;
    return { method, isProtected: false, isLossy: false, verdict, state: null, standbys: [] };
  }
  const { report, atMs } = told;
  const { keys, bytes, sequence, updatesPerSecond, waiting, isLossy, checkpoint, fault, firstPackets } =
    report;
  const isSafe = isProtected(state, slot.pool, report);
  const verdict = [
    isSafe
      ? `A failover loses ${slotLossWords(level, leaseMsOf(state, slot.pool))}.`
      : unprotectedWords(state, slot, report),
    ...(isLossy ? [lossyWords(slot)] : []),
  ].join(' ');
  return {
    method,
    isProtected: isSafe,
    isLossy,
    verdict,
    state: { at: atMs, keys, bytes, sequence, updatesPerSecond, waiting },
    standbys: report.standbys.map((each) => standbyView(state, slot.pool, each)),
    ...(checkpoint ? { checkpoint } : {}),
    ...(fault ? { fault } : {}),
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

function standbyView(state: ManagerState, pool: string, { node, ...rest }: StandbyReport): StandbyStateView {
  const { instance, name } = standbyAt(state, pool, node);
  return { instance, node: name, ...rest };
}
