// SPDX-License-Identifier: Apache-2.0

/**
 * Weights in the leaves of a binary tree whose nodes hold the sums below them: a weight changes, and the place under
 * a ticket is found, in as many steps as the tree is high. Exact while the sum stays below 2^53.
 */
export class SumTree {
  /** The root is 1, the children of `n` are `2n` and `2n + 1`, the leaves are the second half. */
  #nodes = new Float64Array(4);

  get total(): number {
    return this.#nodes[1] as number;
  }

  get(place: number): number {
    return this.#nodes[(this.#nodes.length >> 1) + place] ?? 0;
  }

  set(place: number, weight: number): void {
    while (place >= this.#nodes.length >> 1) this.#grow();
    const nodes = this.#nodes;
    let at = (nodes.length >> 1) + place;
    const more = weight - (nodes[at] as number);
    if (more === 0) return;
    for (; at > 0; at >>= 1) nodes[at] = (nodes[at] as number) + more;
  }

  /** Where the weights before add up to at most `ticket`, and with its own to more; `ticket` is below `total`. */
  find(ticket: number): number {
    const nodes = this.#nodes;
    const leaves = nodes.length >> 1;
    let at = 1;
    let left = ticket;
    while (at < leaves) {
      at *= 2;
      const sum = nodes[at] as number;
      if (left >= sum) {
        left -= sum;
        at += 1;
      }
    }
    return at - leaves;
  }

  #grow(): void {
    const old = this.#nodes;
    const nodes = new Float64Array(2 * old.length);
    // Each level moves on by its own width; the old root is the left child of the new one.
    for (let width = 1; width < old.length; width *= 2) nodes.set(old.subarray(width, 2 * width), 2 * width);
    nodes[1] = nodes[2] as number;
    this.#nodes = nodes;
  }
}
