// SPDX-License-Identifier: Apache-2.0
import type { SharingReport } from '@vnfpool/wire/mobility';
import { acknowledgedBy, lossOf } from '../state-level/level.ts';
import type { Journal } from './journal.ts';
import type { SlotRecord } from './records.ts';
import { standbyName } from './standby-news.ts';
import type { ManagerState } from './state.ts';

/**
 * Tells when a slot is not protected any more, and when it is again: by what its holder says, or as a node that has the
 * state would not serve the slot.
 *
 * @param severity Of the worse news
 */
export function tellProtection(
  state: ManagerState,
  journal: Journal,
  slot: SlotRecord,
  severity: 'error' | 'warning',
  wallMs: number,
): void {
  const told = state.sharingReports.get(slot.id);
  if (told === undefined) return;
  const { report } = told;
  const isNow = isProtected(state, slot, report);
  if (isNow === told.isProtected) return;
  state.sharingReports.set(slot.id, { ...told, isProtected: isNow });
  const subject = `slot ${slot.pool}/${slot.index}`;
  if (!isNow) {
    state.toldUnprotected.add(slot.id);
    journal.event(wallMs, 'slot.unprotected', severity, subject, unprotectedWords(state, slot, report));
    return;
  }
  state.toldUnprotected.delete(slot.id);
  const message = report.checkpoint
    ? `The store has the state of slot ${slot.index} of ${slot.pool}, as agreed.`
    : `Standbys have the state of slot ${slot.index} of ${slot.pool} again.`;
  journal.event(wallMs, 'slot.protected', 'info', subject, message);
}

/** How many standbys have to have the state: as many as acknowledge it, and one at least. */
function wantedBy(state: ManagerState, pool: string): number {
  const level = state.sharing.get(pool)?.level;
  return Math.max(1, level ? acknowledgedBy(level) : 0);
}

/** Which slot. */
export type Which = Pick<SlotRecord, 'id' | 'pool' | 'index'>;

/** Nodes that have the state and may take over, with why they would not serve the slot all the same; undefined: they would. */
function listedOf(
  state: ManagerState,
  { id }: Which,
  { standbys }: SharingReport,
): { readonly node: number; readonly why: string | undefined }[] {
  return standbys
    .filter(({ isListed }) => isListed)
    .map(({ node }) => ({ node, why: state.refusals.get(id)?.get(state.nodeById(node)?.name ?? '')?.why }));
}

/** A failover loses no more than the pool allows. */
export function isProtected(state: ManagerState, slot: Which, report: SharingReport): boolean {
  return !report.fault && hasCopies(state, slot, report);
}

function hasCopies(state: ManagerState, slot: Which, report: SharingReport): boolean {
  if (report.checkpoint) return report.checkpoint.isCurrent;
  const ready = listedOf(state, slot, report).filter(({ why }) => why === undefined);
  return ready.length >= wantedBy(state, slot.pool);
}

/** Why it is not protected, in sentences. */
export function unprotectedWords(state: ManagerState, slot: Which, report: SharingReport): string {
  const { pool, index } = slot;
  const words = hasCopies(state, slot, report) ? [] : [copiesWords(state, slot, report)];
  if (report.fault)
    words.push(
      `Not all of the state of slot ${index} of ${pool} is told, and a failover would lose the rest: ${report.fault}.`,
    );
  return words.join(' ');
}

function copiesWords(state: ManagerState, slot: Which, report: SharingReport): string {
  const { checkpoint } = report;
  const { pool, index } = slot;
  if (checkpoint) {
    const why = checkpoint.fault && ` The last try failed: ${checkpoint.fault}.`;
    const level = state.sharing.get(pool)?.level;
    const isHeld = level !== undefined && lossOf(level) === 0;
    const then = isHeld ? 'what they bring about waits for it' : 'a failover would lose them';
    return `The store lacks changes of slot ${index} of ${pool} that are ${checkpoint.ageMs} ms old: ${then}.${why}`;
  }
  const listed = listedOf(state, slot, report);
  if (listed.length === 0)
    return `No standby has the state of slot ${index} of ${pool}: a failover would lose state.`;
  const refused = listed.flatMap(({ node, why }) =>
    why === undefined ? [] : [`${standbyName(state, pool, node)} would not serve it: ${why}`],
  );
  const more = refused.length === 0 ? '' : `; ${refused.join('; ')}`;
  return `${listed.length} of the ${wantedBy(state, pool)} standbys that have to acknowledge the state of slot ${index} of ${pool} have it${more}.`;
}
