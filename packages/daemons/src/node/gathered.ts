// SPDX-License-Identifier: Apache-2.0

/** Beyond, what has gathered is handed on at once. */
const GATHERED_MAX = 1_024;

/** Hands on together what comes together: a thousand slots that change hands are then one piece of work, not a thousand. */
export class Gathered<Item> {
  readonly #take: (items: readonly Item[]) => void;
  #items: Item[] = [];
  #due: NodeJS.Immediate | undefined;

  /** @param take called when whatever waits to be read has been read, never within `add` but at the bound */
  constructor(take: (items: readonly Item[]) => void) {
    this.#take = take;
  }

  add(item: Item): void {
    this.#items.push(item);
    if (this.#items.length >= GATHERED_MAX) this.flush();
    else this.#due ??= setImmediate(() => this.flush());
  }

  /** Hands on what there is now. */
  flush(): void {
    clearImmediate(this.#due);
    this.#due = undefined;
    const items = this.#items;
    this.#items = [];
    if (items.length > 0) this.#take(items);
  }
}
