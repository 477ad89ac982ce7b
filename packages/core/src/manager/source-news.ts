// SPDX-License-Identifier: Apache-2.0
import type { SharingReport } from '@vnfpool/wire/mobility';
import type { SlotRecord } from './records.ts';
import { type Spell, type TellOfSlot, timesWords, turnOf } from './standby-news.ts';

type Which = Pick<SlotRecord, 'pool' | 'index'>;

/**
 * Tells what the holder's function, its kernel or its memory does not tell, or does again.
 *
 * @param former Undefined: nothing is known of this holder
 * @param node Name of its node
 */
export function tellSource(
  slot: Which,
  former: SharingReport | undefined,
  report: SharingReport,
  node: string,
  tell: TellOfSlot,
): void {
  tellFault(slot, former, report, tell);
  tellFirstPackets(slot, former, report, tell);
  tellOverruns(slot, former, report, node, tell);
  tellDamage(slot, former, report, node, tell);
}

function tellFault(
  { index, pool }: Which,
  former: SharingReport | undefined,
  { fault }: SharingReport,
  tell: TellOfSlot,
): void {
  const of = `of the state of slot ${index} of ${pool}`;
  // What it is in figures changes all the time.
  if (fault && !former?.fault) tell('slot.not-told', 'warning', `Not all ${of} is told: ${fault}.`);
  if (former?.fault && !fault) tell('slot.told', 'info', `All ${of} is told again.`);
}

function tellFirstPackets(
  { index, pool }: Which,
  former: SharingReport | undefined,
  { firstPackets }: SharingReport,
  tell: TellOfSlot,
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

function tellOverruns(
  slot: Which,
  former: SharingReport | undefined,
  report: SharingReport,
  node: string,
  tell: TellOfSlot,
): void {
  const spellOf = ({ overruns }: SharingReport): Spell => ({
    isSo: overruns?.isAmid === true,
    times: overruns?.times ?? 0,
  });
  const now = spellOf(report);
  const { began, ended } = turnOf(former && spellOf(former), now);
  if (began) tell('slot.events-lost', 'warning', overrunWords(slot, node));
  if (ended)
    tell(
      'slot.events-caught-up',
      'info',
      `The connections of slot ${slot.index} of ${slot.pool} were listed anew, and no events were lost for 5 s; some were ${timesWords(now.times)} since the slot is held.`,
    );
}

function tellDamage(
  slot: Which,
  former: SharingReport | undefined,
  report: SharingReport,
  node: string,
  tell: TellOfSlot,
): void {
  const spellOf = ({ damage }: SharingReport): Spell => ({
    isSo: (damage?.now ?? 0) > 0,
    times: damage?.found ?? 0,
  });
  const now = spellOf(report);
  const { began, ended } = turnOf(former && spellOf(former), now);
  if (began) tell('slot.state-damaged', 'error', damageWords(slot, node));
  if (ended)
    tell(
      'slot.state-mended',
      'info',
      `Nothing of the state of slot ${slot.index} of ${slot.pool} is damaged in the memory of ${node} any more; ${now.times === 1 ? 'one value was' : `${now.times} values were`} since the slot is held.`,
    );
}

export function damageWords({ pool, index }: Which, node: string): string {
  return `Some of the state of slot ${index} of ${pool} is damaged in the memory of ${node}, which holds it: no standby is given that until its function says it again.`;
}

export function overrunWords({ pool, index }: Which, node: string): string {
  return `The kernel of ${node} lost events of the connections of slot ${index} of ${pool}, which came faster than they were read: all are listed anew.`;
}
