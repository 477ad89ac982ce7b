// SPDX-License-Identifier: Apache-2.0
import type { SharingReport, StandbyReport } from '@vnfpool/wire/mobility';
import { instanceName } from '../planner/observed.ts';
import type { SlotRecord } from './records.ts';
import type { ManagerState } from './state.ts';

type Which = Pick<SlotRecord, 'pool' | 'index'>;
/** Puts it into the journal, of the slot. */
export type TellOfSlot = (type: string, severity: 'info' | 'warning' | 'error', message: string) => void;

/** Tells what has changed of the standbys of a slot between two reports of its holder. */
export function tellStandbys(
  state: ManagerState,
  slot: Which,
  former: SharingReport,
  report: SharingReport,
  tell: TellOfSlot,
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

/** Tells whose digests differ from those of the holder, and whose do not any more. @param former undefined: nothing is known of this holder */
export function tellDigests(
  state: ManagerState,
  slot: Which,
  former: SharingReport | undefined,
  { standbys }: SharingReport,
  tell: TellOfSlot,
): void {
  for (const { node, digests } of standbys) {
    if (digests === undefined) continue;
    const before = former?.standbys.find((each) => each.node === node)?.digests;
    const { isDiffering, differed } = digests;
    const { began, ended } = turnOf(before && { isSo: before.isDiffering, times: before.differed }, {
      isSo: isDiffering,
      times: differed,
    });
    const who = standbyName(state, slot.pool, node);
    if (began) tell('slot.standby-differs', 'error', differsWords(who, slot));
    if (digests.filledInMs !== undefined && before?.filledInMs === undefined)
      tell('slot.standby-paused', 'warning', pausedWords(who, slot, digests));
    if (ended)
      tell(
        'slot.standby-agrees',
        'info',
        `${who} has the state of slot ${slot.index} of ${slot.pool} as its holder has it again, for 5 s; it had another one ${timesWords(differed)} since the slot is held.`,
      );
  }
}

/** Tells whose stream is refused or not understood, and whose is not any more. @param former undefined: nothing is known of this holder */
export function tellBreaks(
  state: ManagerState,
  slot: Which,
  former: SharingReport | undefined,
  { standbys }: SharingReport,
  tell: TellOfSlot,
): void {
  const spellOf = ({ breaks }: Pick<StandbyReport, 'breaks'>): Spell => ({
    isSo: breaks?.isAmid === true,
    times: breaks?.times ?? 0,
  });
  for (const standby of standbys) {
    const before = former?.standbys.find(({ node }) => node === standby.node);
    const { began, ended } = turnOf(before && spellOf(before), spellOf(standby));
    const { reason, times } = standby.breaks ?? { reason: '', times: 0 };
    const who = standbyName(state, slot.pool, standby.node);
    if (began) tell('slot.stream-broken', 'warning', breakWords(who, slot, reason));
    if (ended)
      tell(
        'slot.stream-mended',
        'info',
        `The stream of the state of slot ${slot.index} of ${slot.pool} to ${who} did not break off for 5 s; it did ${timesWords(times)} since the slot is held.`,
      );
  }
}

export function breakWords(who: string, { pool, index }: Which, reason: string): string {
  return `The stream of the state of slot ${index} of ${pool} to ${who} broke off: ${reason}.`;
}

export function differsWords(who: string, { pool, index }: Which): string {
  return `${who} had another state than the holder of slot ${index} of ${pool}: it gets all of it anew.`;
}

/** @param digests of one that is not filled anew at once */
function pausedWords(
  who: string,
  { pool, index }: Which,
  { differed, filledInMs = 0 }: { readonly differed: number; readonly filledInMs?: number },
): string {
  const seconds = Math.ceil(filledInMs / 1_000);
  return `${who} had another state than the holder of slot ${index} of ${pool} ${timesWords(differed)}: it gets all of it anew in ${seconds} s, and may not take over until then.`;
}

/** What may be so again and again. */
export interface Spell {
  readonly isSo: boolean;
  /** Grows with each time, as long as the slot is held. */
  readonly times: number;
}

/** What began and what ended between two reports: what lasted for less than the time between them did both. */
export function turnOf(
  before: Spell | undefined,
  now: Spell,
): { readonly began: boolean; readonly ended: boolean } {
  const was = before?.isSo === true;
  const began = !was && (now.isSo || (before !== undefined && now.times > before.times));
  return { began, ended: (was || began) && !now.isSo };
}

export function timesWords(times: number): string {
  return times === 1 ? 'once' : `${times} times`;
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
export function standbyName(state: ManagerState, pool: string, node: number): string {
  const { instance, name } = standbyAt(state, pool, node);
  return instance === null ? name : `${instance} on ${name}`;
}

export function standbyAt(
  state: ManagerState,
  pool: string,
  node: number,
): { readonly instance: string | null; readonly name: string } {
  const name = state.nodeById(node)?.name ?? `node ${node}`;
  const instance = [...state.instances.values()].find((each) => each.pool === pool && each.node === name);
  return { instance: instance ? instanceName(instance) : null, name };
}
