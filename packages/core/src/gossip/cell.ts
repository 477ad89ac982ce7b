// SPDX-License-Identifier: Apache-2.0
import type { CellKind, CellPlace, CellValue } from '@vnfpool/wire/gossip';
import { EntrySum, sumOf } from './entry-sum.ts';
import { compareReplicas } from './replica.ts';
import type { GossipRules } from './rules.ts';

/** What one step of a replica left. */
export interface Entry {
  readonly version: number;
  readonly value: CellValue;
}

/** Highest version known of a replica, by its name; absent: 0. */
export type Vector = ReadonlyMap<string, number>;

const NOTHING = new Uint8Array(0);
const NONE: Vector = new Map();
/** Octets counted for an entry beside those of its value. */
export const ENTRY_OCTETS = 32;

/**
 * What changes as a whole: one register, one element of a set, or one counter. A step of a replica replaces every entry
 * that it saw, in a counter only its own; so there is at most one entry a replica, and what is known and not there
 * is no more. That knowledge is the vector of the whole state, and `seen` where this cell is ahead of it.
 */
export class Cell {
  readonly id: string;
  #place: CellPlace;
  readonly #entries = new Map<string, Entry>();
  /** Of its entries as they came. */
  readonly sum: EntrySum = new EntrySum();
  /** Of all cells, which follows. */
  readonly #total: EntrySum;
  /** Never changed in place: cells of one message share it. */
  seen: Vector = NONE;
  /** Steps that are kept and touched this cell. */
  steps = 0;
  /** As counted for the bound. */
  octets = 0;

  constructor(place: CellPlace, id: string, total: EntrySum) {
    this.id = id;
    this.#place = place;
    this.#total = total;
  }

  get place(): CellPlace {
    return this.#place;
  }

  get entries(): ReadonlyMap<string, Entry> {
    return this.#entries;
  }

  get kind(): CellKind {
    return this.place.kind;
  }

  get isEmpty(): boolean {
    return this.entries.size === 0;
  }

  /** Whether memory still has what came. */
  get isSound(): boolean {
    return idOf(this.place) === this.id && sumOf(this.id, this.entries).isSameAs(this.sum);
  }

  set(name: string, entry: Entry): void {
    this.delete(name);
    this.#entries.set(name, entry);
    this.sum.add(this.id, name, entry);
    this.#total.add(this.id, name, entry);
  }

  delete(name: string): boolean {
    const entry = this.#entries.get(name);
    if (entry === undefined) return false;
    this.#entries.delete(name);
    this.sum.takeOff(this.id, name, entry);
    this.#total.takeOff(this.id, name, entry);
    return true;
  }

  /** Nothing of what was there counts any more, nor whether it was damaged. */
  clear(): void {
    this.#entries.clear();
    this.#total.takeOffAll(this.sum);
    this.sum.clear();
    if (idOf(this.place) !== this.id) this.#place = placeIn(this.id);
  }

  countOctets(): number {
    if (this.isEmpty) return 0;
    let octets = this.place.key.length + this.place.element.length;
    for (const { value } of this.entries.values())
      octets += ENTRY_OCTETS + (value.kind === 'register' ? value.value.length : 0);
    return octets;
  }

  /** Sum of all contributions. */
  count(): number {
    let sum = 0;
    for (const { value } of this.entries.values())
      if (value.kind === 'counter') sum += value.plus - value.minus;
    return sum;
  }

  /** The entry that the register shows: the latest time, of equal ones the highest replica. */
  latest(): (Entry & { readonly value: { readonly kind: 'register' } }) | undefined {
    let best: { readonly name: string; readonly entry: Entry; readonly time: bigint } | undefined;
    for (const [name, entry] of this.entries) {
      if (entry.value.kind !== 'register') continue;
      const { time } = entry.value;
      if (
        best === undefined ||
        time > best.time ||
        (time === best.time && compareReplicas(name, best.name) > 0)
      )
        best = { name, entry, time };
    }
    return best?.entry as (Entry & { readonly value: { readonly kind: 'register' } }) | undefined;
  }

  /**
   * Joins with the same cell of another state. A version known to one side whose entry is only at the other one
   * was removed there. True: entries changed.
   */
  merge(theirs: ReadonlyMap<string, Entry>, theyKnow: Known, weKnow: Known, rules: GossipRules): boolean {
    let isChanged = false;
    for (const [name, mine] of this.entries) {
      const other = theirs.get(name);
      if (other === undefined ? mine.version <= theyKnow(name) : mine.version < other.version) {
        this.delete(name);
        isChanged = true;
      }
    }
    for (const [name, other] of theirs) {
      if (this.entries.has(name) || !rules.isNews(other.version, weKnow(name))) continue;
      this.set(name, other);
      isChanged = true;
    }
    return isChanged;
  }
}

/** Highest version known of the replica of this name. */
export type Known = (name: string) => number;

/** Names a cell, and puts cells in the order in which they are walked through. */
export function idOf({ kind, key, element }: CellPlace): string {
  const length = String.fromCharCode(key.length);
  return `${kind.slice(0, 1)}${length}${textOf(key)}${textOf(element)}`;
}

const KINDS: Readonly<Record<string, CellKind>> = { c: 'counter', r: 'register', e: 'element' };

/** The place that has this id. */
function placeIn(id: string): CellPlace {
  const octets = Uint8Array.from(id.slice(2), (character) => character.charCodeAt(0));
  const length = id.charCodeAt(1);
  return {
    kind: KINDS[id.slice(0, 1)] ?? 'element',
    key: octets.slice(0, length),
    element: octets.slice(length),
  };
}

/** A string of octets as a string of characters up to 255. */
export function textOf(octets: Uint8Array): string {
  return String.fromCharCode(...octets);
}

/** Where octets come from that may be changed later: a caller, or a message. */
export function ownPlace({ kind, key, element }: CellPlace): CellPlace {
  return { kind, key: key.slice(), element: kind === 'element' ? element.slice() : NOTHING };
}

/** The larger of each; one of the two where it has everything. */
export function joinVectors(one: Vector, other: Vector): Vector {
  if (other.size === 0) return one;
  if (one.size === 0) return other;
  const joined = new Map(one);
  for (const [name, version] of other) if (version > (joined.get(name) ?? 0)) joined.set(name, version);
  return joined;
}
