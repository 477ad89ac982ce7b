// SPDX-License-Identifier: Apache-2.0
import type { DeclaredSet } from '../declared/set.ts';
import type { SharingRecord } from '../planner/sharing-record.ts';
import type { Journal } from './journal.ts';
import type { SlotRecord, StoredPlace, StoredRecord } from './records.ts';
import type { ManagerState } from './state.ts';

/** Slots that are no more and have left something; of more the one that was left first is not remembered. */
const LEFT_MAX = 1_024;
/** Of one slot; of more the oldest is not remembered. */
const PLACES_MAX = 8;

/** Remembers in which stores slots have their state, so that what a slot has left when it goes can be found, and removed. */
export class StoredStates {
  readonly #state: ManagerState;
  /** What it was followed for. Numbers of slots are never given twice: how many were, and how many are, says whether they are the same. */
  #seen: readonly unknown[] = [];

  constructor(state: ManagerState) {
    this.#state = state;
  }

  /** What was decided is on disk. */
  follow(journal: Journal, wallMs: number): void {
    const { set, sharing, counters, slots, stored } = this.#state;
    const now = [set, counters.slot, slots.size, ...sharing.values()];
    if (now.length === this.#seen.length && now.every((each, at) => each === this.#seen[at])) return;
    this.#seen = now;
    for (const slot of slots.values()) {
      const place = placeOf(slot, set?.declared, sharing.get(slot.pool));
      const former = stored.get(slot.id);
      if (place === null || isSame(former?.places.at(-1), place)) continue;
      const others = (former?.places ?? []).filter((each) => !isSame(each, place));
      const places = [...others, place].slice(-PLACES_MAX);
      this.#put(journal, { slot: slot.id, pool: slot.pool, index: slot.index, places });
    }
    for (const record of stored.values())
      if (record.leftMs === undefined && !slots.has(record.slot)) this.#leave(journal, record, wallMs);
  }

  #leave(journal: Journal, record: StoredRecord, wallMs: number): void {
    const { stored } = this.#state;
    // Behind those that were left before it.
    stored.delete(record.slot);
    this.#put(journal, { ...record, leftMs: wallMs });
    const { pool, index } = record;
    const message = `Slot ${index} of ${pool} is no more, and its state stays in ${storesOf(record)} until it is removed by vnfpool state forget ${pool}/${index}.`;
    journal.event(wallMs, 'state.left', 'info', `slot ${pool}/${index}`, message);
    const left = [...stored.values()].filter(({ leftMs }) => leftMs !== undefined);
    for (const { slot, ...oldest } of left.slice(0, Math.max(0, left.length - LEFT_MAX))) {
      stored.delete(slot);
      journal.save({ table: 'stored', key: slot, value: null });
      const words = `What slot ${oldest.index} of ${oldest.pool}, ${slot}, has left in ${storesOf({ ...oldest, slot })} is not remembered any more: there are more than ${LEFT_MAX} of these.`;
      journal.event(wallMs, 'state.left', 'warning', `slot ${oldest.pool}/${oldest.index}`, words);
    }
  }

  #put(journal: Journal, record: StoredRecord): void {
    this.#state.stored.set(record.slot, record);
    journal.save({ table: 'stored', key: record.slot, value: record });
  }
}

/** It was removed from there, or the store is there no more. */
export function forgetPlace(
  { stored }: ManagerState,
  journal: Journal,
  slot: string,
  place: Pick<StoredPlace, 'method' | 'address'>,
  isGone: boolean,
  wallMs: number,
): void {
  const record = stored.get(slot);
  const gone = record?.places.find((each) => isSame(each, place));
  if (record === undefined || gone === undefined) return;
  const places = record.places.filter((each) => each !== gone);
  const value = places.length === 0 ? null : { ...record, places };
  if (value === null) stored.delete(slot);
  else stored.set(slot, value);
  journal.save({ table: 'stored', key: slot, value });
  const { pool, index } = record;
  const message = isGone
    ? `What slot ${index} of ${pool} had left in ${gone.store} is not remembered any more: that store is gone, as somebody said.`
    : `What slot ${index} of ${pool} had left in ${gone.store} was removed.`;
  journal.event(wallMs, 'state.forgotten', 'info', `slot ${pool}/${index}`, message);
}

/** Null: its state goes to no store. */
function placeOf(
  { pool }: SlotRecord,
  declared: DeclaredSet | undefined,
  record: SharingRecord | undefined,
): StoredPlace | null {
  const method = record?.level.method;
  if (method !== 'checkpoint' && method !== 'shared') return null;
  const { store, storeAddress } = declared?.pools.find(({ name }) => name === pool)?.sharing ?? {};
  return store === undefined || storeAddress === undefined ? null : { method, store, address: storeAddress };
}

function isSame(
  a: Pick<StoredPlace, 'method' | 'address'> | undefined,
  b: Pick<StoredPlace, 'method' | 'address'>,
): boolean {
  return a?.method === b.method && a.address === b.address;
}

function storesOf({ places }: StoredRecord): string {
  return [...new Set(places.map(({ store }) => store))].join(', ');
}
