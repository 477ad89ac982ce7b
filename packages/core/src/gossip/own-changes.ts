// SPDX-License-Identifier: Apache-2.0
import { type CellPlace, type CellValue, OCTETS_MAX } from '@vnfpool/wire/gossip';
import { type Cell, ENTRY_OCTETS } from './cell.ts';
import type { CellStore } from './cell-store.ts';
import type { ForgetRefusal, Refusal, Update } from './types.ts';

const NOTHING = new Uint8Array(0);

/** Steps that this replica makes itself. */
export class OwnChanges {
  readonly #store: CellStore;

  constructor(store: CellStore) {
    this.#store = store;
  }

  /** Null: done. */
  do(update: Update, wallMs: number): Refusal | null {
    if (update.key.length > OCTETS_MAX) return 'value';
    switch (update.type) {
      case 'count':
        return this.#count(update.key, update.by);
      case 'write':
        return this.#write(update.key, update.value, wallMs);
      case 'add':
        if (update.element.length > OCTETS_MAX) return 'value';
        return this.#put({ kind: 'element', key: update.key, element: update.element }, { kind: 'element' });
      case 'discard': {
        const cell = this.#store.filled('element', update.key, update.element);
        if (cell !== undefined) this.#clear(cell);
        return null;
      }
      case 'remove':
        for (const cell of this.#store.cells.ofKey(update.key))
          if (!cell.isEmpty || this.#store.damaged.held(cell) !== undefined) this.#clear(cell);
        return null;
    }
  }

  #count(key: Uint8Array, by: number): Refusal | null {
    return this.countBy(key, Math.max(by, 0), Math.max(-by, 0));
  }

  /** Up and down at once. */
  countBy(key: Uint8Array, up: number, down: number): Refusal | null {
    const place = { kind: 'counter' as const, key, element: NOTHING };
    const cell = this.#store.cells.get(place);
    const mine = cell?.entries.get(this.#store.self)?.value;
    if (up === 0 && down === 0 && mine !== undefined) return null;
    const before = mine?.kind === 'counter' ? mine : { plus: 0, minus: 0 };
    const sum = (this.#store.counter(key) ?? 0) + up - down;
    // How much was counted before is not known, so that it waits.
    const held = cell && !this.#store.damaged.isSound(cell) ? this.#store.damaged.held(cell) : undefined;
    const plus = (held ?? before).plus + up;
    const minus = (held ?? before).minus + down;
    if (![up, down, plus, minus, sum].every(Number.isSafeInteger)) return 'value';
    if (held === undefined) return this.#put(place, { kind: 'counter', plus, minus });
    held.plus = plus;
    held.minus = minus;
    return null;
  }

  #write(key: Uint8Array, value: Uint8Array, wallMs: number): Refusal | null {
    if (value.length > OCTETS_MAX) return 'value';
    const time = this.#store.clock.tick(wallMs);
    if (time === null) return 'clock';
    const place = { kind: 'register' as const, key, element: NOTHING };
    return this.#put(place, { kind: 'register', time, value: value.slice() });
  }

  /** Leaves this value in the cell: in place of all that is there, in a counter of our own. */
  #put(place: CellPlace, value: CellValue): Refusal | null {
    const cell = this.#store.cells.get(place);
    const isNew = cell === undefined || cell.isEmpty;
    if (isNew && this.#store.cells.filled >= this.#store.bounds.cellsMax) return 'cells';
    const octets = ENTRY_OCTETS + (value.kind === 'register' ? value.value.length : 0);
    const names = place.key.length + place.element.length;
    // In a counter the entries of others stay.
    const isMore = value.kind === 'counter' && cell?.entries.has(this.#store.self) !== true;
    const added = isNew ? octets + names : isMore ? octets : octets + names - cell.octets;
    if (added > 0 && this.#store.cells.octets + added > this.#store.bounds.octetsMax) return 'octets';
    const taken = this.#store.take(place);
    if (value.kind !== 'counter') this.#store.restore(taken);
    taken.set(this.#store.self, { version: this.#store.step(taken), value });
    this.#store.changed(taken);
    return null;
  }

  #clear(cell: Cell): void {
    this.#store.step(cell);
    this.#store.restore(cell);
    this.#store.changed(cell);
  }

  /** Makes what the gone ones left in this cell our own. */
  adopt(cell: Cell, isGone: (name: string) => boolean): ForgetRefusal | null {
    const gone = [...cell.entries].filter(([name]) => isGone(name));
    if (gone.length === 0) return null;
    if (!this.#store.damaged.isSound(cell)) return 'damaged';
    const mine = cell.entries.get(this.#store.self)?.value;
    let value: CellValue = { kind: 'element' };
    if (cell.kind === 'register') {
      // With its own time: what was written elsewhere since stays later.
      const latest = cell.latest();
      if (latest !== undefined) ({ value } = latest);
    } else if (cell.kind === 'counter') {
      let { plus, minus } = mine?.kind === 'counter' ? mine : { plus: 0, minus: 0 };
      for (const [, entry] of gone) {
        if (entry.value.kind !== 'counter') continue;
        plus += entry.value.plus;
        minus += entry.value.minus;
      }
      if (!Number.isSafeInteger(plus) || !Number.isSafeInteger(minus)) return 'value';
      value = { kind: 'counter', plus, minus };
    }
    if (cell.kind !== 'counter') this.#store.restore(cell);
    for (const [name] of gone) cell.delete(name);
    cell.set(this.#store.self, { version: this.#store.step(cell), value });
    this.#store.changed(cell);
    return null;
  }

  /** A register with the one entry that it shows. */
  rewrite(cell: Cell): void {
    const latest = cell.latest();
    if (cell.kind !== 'register' || latest === undefined || this.#store.mayChange() !== null) return;
    if (!this.#store.damaged.isSound(cell)) return;
    cell.clear();
    cell.set(this.#store.self, { version: this.#store.step(cell), value: latest.value });
    this.#store.changed(cell);
  }
}
