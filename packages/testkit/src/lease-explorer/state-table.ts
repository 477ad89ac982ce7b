// SPDX-License-Identifier: Apache-2.0

/** A state of the whole: the history of each node, and the moment. */
export interface WholeState {
  readonly histories: readonly [number, number, number];
  /** True time, µs. */
  readonly atUs: number;
}

/** Numbers a state: three histories, the moment, the state it was reached from. */
const WIDTH = 5;

/** States of the whole in the order in which they were found, each once; bounded. */
export class StateTable {
  readonly #statesMax: number;
  #rows = new Int32Array(WIDTH * 1024);
  /** Open addressing: the number of a state and one, or 0. */
  #slots = new Int32Array(4096);
  #count = 0;

  constructor(statesMax: number) {
    this.#statesMax = statesMax;
  }

  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count >= this.#statesMax;
  }

  /** True if the state is new. One that finds no room is dropped: ask `isFull` before. */
  add({ histories: [a, b, c], atUs }: WholeState, foundFrom: number): boolean {
    let slot = this.#slotOf(a, b, c, atUs);
    if (this.#slots[slot] !== 0 || this.isFull) return false;
    if ((this.#count + 1) * WIDTH > this.#rows.length) this.#growRows();
    if ((this.#count + 1) * 2 > this.#slots.length) {
      this.#growSlots();
      slot = this.#slotOf(a, b, c, atUs);
    }
    this.#rows.set([a, b, c, atUs, foundFrom], this.#count * WIDTH);
    this.#count += 1;
    this.#slots[slot] = this.#count;
    return true;
  }

  at(index: number): WholeState {
    const row = index * WIDTH;
    return {
      histories: [this.#cell(row), this.#cell(row + 1), this.#cell(row + 2)],
      atUs: this.#cell(row + 3),
    };
  }

  /** Which state this one was found from; −1: it is where the search began. */
  foundFrom(index: number): number {
    return this.#cell(index * WIDTH + 4);
  }

  #cell(index: number): number {
    return this.#rows[index] ?? 0;
  }

  /** Where the state stands, or the free place for it. */
  #slotOf(a: number, b: number, c: number, atUs: number): number {
    const mask = this.#slots.length - 1;
    let hash = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca77) ^ Math.imul(c, 0xc2b2ae3d);
    hash ^= Math.imul(atUs, 0x27d4eb2f);
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
    hash ^= hash >>> 13;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const found = this.#slots[slot] ?? 0;
      if (found === 0) return slot;
      const row = (found - 1) * WIDTH;
      const rows = this.#rows;
      if (rows[row] === a && rows[row + 1] === b && rows[row + 2] === c && rows[row + 3] === atUs)
        return slot;
    }
  }

  #growRows(): void {
    const rows = new Int32Array(Math.min(this.#rows.length * 2, this.#statesMax * WIDTH));
    rows.set(this.#rows);
    this.#rows = rows;
  }

  #growSlots(): void {
    this.#slots = new Int32Array(this.#slots.length * 2);
    for (let index = 0; index < this.#count; index++) {
      const row = index * WIDTH;
      const slot = this.#slotOf(
        this.#cell(row),
        this.#cell(row + 1),
        this.#cell(row + 2),
        this.#cell(row + 3),
      );
      this.#slots[slot] = index + 1;
    }
  }
}
