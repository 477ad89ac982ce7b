// SPDX-License-Identifier: Apache-2.0
import type { CellPlace } from '@vnfpool/wire/gossip';
import { Cell, idOf, ownPlace, textOf } from './cell.ts';
import { EntrySum } from './entry-sum.ts';

/** Cells by their ids, by their keys, and in the order of their ids; and how much they are. */
export class CellTable {
  readonly #byId = new Map<string, Cell>();
  readonly #byKey = new Map<string, Set<Cell>>();
  /** In order; made when it is first asked for. */
  #sorted: string[] | null = null;
  #filled = 0;
  #octets = 0;
  /** Of all entries. */
  readonly #sum = new EntrySum();
  /** Where {@link next} goes on. */
  #turn: Iterator<Cell> = [].values();

  /** Cells, also those that are empty. */
  get size(): number {
    return this.#byId.size;
  }

  /** Cells with something in them. */
  get filled(): number {
    return this.#filled;
  }

  get octets(): number {
    return this.#octets;
  }

  get digest(): bigint {
    return this.#sum.digest;
  }

  get(place: CellPlace): Cell | undefined {
    return this.#byId.get(idOf(place));
  }

  all(): IterableIterator<Cell> {
    return this.#byId.values();
  }

  ofKey(key: Uint8Array): Iterable<Cell> {
    return this.#byKey.get(textOf(key)) ?? [];
  }

  has(id: string): boolean {
    return this.#byId.has(id);
  }

  take(place: CellPlace): Cell {
    const id = idOf(place);
    const known = this.#byId.get(id);
    if (known !== undefined) return known;
    const cell = new Cell(ownPlace(place), id, this.#sum);
    this.#byId.set(id, cell);
    const key = textOf(place.key);
    const cells = this.#byKey.get(key);
    if (cells === undefined) this.#byKey.set(key, new Set([cell]));
    else cells.add(cell);
    this.#sorted?.splice(this.#placeOf(id), 0, id);
    return cell;
  }

  /** To be called whenever the entries of a cell have changed. */
  changed(cell: Cell): void {
    const octets = cell.countOctets();
    this.#octets += octets - cell.octets;
    this.#filled += (octets > 0 ? 1 : 0) - (cell.octets > 0 ? 1 : 0);
    cell.octets = octets;
  }

  delete(cell: Cell): void {
    if (!this.#byId.delete(cell.id)) return;
    this.#sum.takeOffAll(cell.sum);
    const key = textOf(cell.place.key);
    const cells = this.#byKey.get(key);
    cells?.delete(cell);
    if (cells?.size === 0) this.#byKey.delete(key);
    this.#sorted?.splice(this.#placeOf(cell.id), 1);
  }

  /** One after the other, and then from the first again; undefined: there is none. */
  next(): Cell | undefined {
    const next = this.#turn.next();
    if (next.done !== true) return next.value;
    this.#turn = this.all();
    const first = this.#turn.next();
    return first.done === true ? undefined : first.value;
  }

  /** The sum of all anew from those of the cells. False: it was another one. */
  recount(): boolean {
    const sum = new EntrySum();
    for (const cell of this.#byId.values()) sum.addAll(cell.sum);
    if (sum.isSameAs(this.#sum)) return true;
    this.#sum.clear();
    this.#sum.addAll(sum);
    return false;
  }

  /** The place before this cell in order; null: it is the first one. */
  before({ id }: Cell): CellPlace | null {
    const sorted = this.#inOrder();
    const before = sorted[this.#placeOf(id) - 1];
    return before === undefined ? null : (this.#byId.get(before)?.place ?? null);
  }

  /** Cells behind this id in order, up to and with the other one; null: from the first, to the last. */
  *between(after: string | null, until: string | null): Generator<Cell> {
    const sorted = this.#inOrder();
    let at = after === null ? 0 : this.#placeOf(after);
    if (after !== null && sorted[at] === after) at += 1;
    for (; at < sorted.length; at += 1) {
      const id = sorted[at] as string;
      if (until !== null && id > until) return;
      const cell = this.#byId.get(id);
      if (cell !== undefined) yield cell;
    }
  }

  #inOrder(): string[] {
    this.#sorted ??= [...this.#byId.keys()].sort();
    return this.#sorted;
  }

  /** Where this id is, or would be. */
  #placeOf(id: string): number {
    const sorted = this.#sorted ?? [];
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sorted[middle] as string) < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
