// SPDX-License-Identifier: Apache-2.0
import type { SetChange, SetElement } from '../netlink/nftables.ts';
import { ChangeList } from './change-list.ts';
import { keyOfText } from './guarded.ts';
import { CLOSED, type HorizonId } from './horizons.ts';
import { type FenceContents, horizonPlaces, mapPlaces, plainPlaces, verdictOf } from './ruleset.ts';

/** What brings a fence from one state to another. */
export interface FenceChanges {
  /**
   * A transaction of its own, before the other one: horizons that something open moves to. The kernel lets packets see what is
   * new in a set of intervals a moment behind everything else of a transaction, and would drop what comes in between.
   */
  readonly ahead: readonly SetChange[];
  readonly changes: readonly SetChange[];
  readonly isOpening: boolean;
  /** Elements of the horizons that are written, of each table. */
  readonly horizons: number;
}

/**
 * @param table name of the two tables
 * @param listed what a set of a horizon holds, where that is not sure; undefined: what `former` says
 */
export function fenceChanges(
  table: string,
  former: FenceContents,
  next: FenceContents,
  listed: ((place: SetChange['place']) => readonly SetElement[]) | undefined,
): FenceChanges {
  const changes = new ChangeList();
  const ahead = new ChangeList();
  let isOpening = false;
  const movedTo = new Set<HorizonId>();
  const isOther = former.values !== next.values;
  const inUse = new Set(isOther ? former.values.values() : []);
  for (const text of isOther ? new Set([...former.values.keys(), ...next.values.keys()]) : []) {
    const [was, is] = [former.values.get(text), next.values.get(text)];
    if (was === is) continue;
    const { kind, bytes } = keyOfText(text);
    for (const place of mapPlaces(table, kind)) {
      if (was !== undefined) changes.note('delete', place, { key: bytes });
      if (is !== undefined) changes.note('add', place, { key: bytes, verdict: verdictOf(is) });
    }
    for (const place of plainPlaces(table, kind)) {
      if (was === undefined) changes.note('add', place, { key: bytes });
      else if (is === undefined) changes.note('delete', place, { key: bytes });
    }
    if (is === undefined || is === CLOSED) continue;
    isOpening = true;
    if (was !== undefined && was !== CLOSED && !inUse.has(is)) movedTo.add(is);
  }
  let horizons = 0;
  for (const id of new Set([...former.elements.keys(), ...next.elements.keys()])) {
    const [was, is] = [former.elements.get(id), next.elements.get(id)];
    if (was === is && listed === undefined) continue;
    const list = movedTo.has(id) ? ahead : changes;
    for (const place of horizonPlaces(table, id)) {
      const there = listed?.(place) ?? (was === undefined ? [] : [was]);
      for (const element of there) list.note('delete', place, element);
      if (is !== undefined) list.note('add', place, is);
    }
    if (is === undefined) continue;
    isOpening = true;
    horizons++;
  }
  return { ahead: ahead.all(), changes: changes.all(), isOpening, horizons };
}
