// SPDX-License-Identifier: Apache-2.0

/**
 * The handlespace as one writes it in an hour: a map of pools, an array of elements for each, and every choice reads
 * all of them. Orders and draws as ours does.
 */
export class PlainHandlespace {
  #pools = new Map();
  #random;
  #policy;
  #clock = 0;

  constructor(random, policy) {
    this.#random = random;
    this.#policy = policy;
  }

  set(handle, element) {
    const key = String(handle);
    let entries = this.#pools.get(key);
    if (entries === undefined) this.#pools.set(key, (entries = []));
    const entry = { element, uses: 0, usedAt: this.#clock++, credit: 0 };
    entries.push(entry);
  }

  replace(handle, element) {
    const entry = this.#pools.get(String(handle)).find((one) => one.element.id === element.id);
    entry.element = element;
    entry.uses = 0;
  }

  delete(handle, id) {
    const entries = this.#pools.get(String(handle));
    entries.splice(
      entries.findIndex((one) => one.element.id === id),
      1,
    );
  }

  select(handle, count) {
    const entries = this.#pools.get(String(handle));
    const { rank, weight, credit } = this.#policy;
    if (weight !== undefined) return this.#draw(entries, count, weight);
    if (credit !== undefined) return this.#credit(entries, count, credit);
    const best = lowest(entries, count, (entry) => rank(entry.element.policy, entry.uses));
    best[0].uses += 1;
    best[0].usedAt = this.#clock++;
    return best;
  }

  #draw(entries, count, weight) {
    const chosen = new Set();
    while (chosen.size < count) {
      let sum = 0;
      for (const entry of entries) if (!chosen.has(entry)) sum += weight(entry.element.policy);
      let ticket = this.#random.fraction() * sum;
      for (const entry of entries) {
        if (chosen.has(entry)) continue;
        ticket -= weight(entry.element.policy);
        if (ticket < 0) {
          chosen.add(entry);
          break;
        }
      }
    }
    return [...chosen];
  }

  /** Smooth weighted round robin: everyone earns its weight, the richest pays for all. */
  #credit(entries, count, credit) {
    let sum = 0;
    for (const entry of entries) {
      const weight = credit(entry.element.policy);
      entry.credit += weight;
      sum += weight;
    }
    const best = lowest(entries, count, (entry) => -entry.credit);
    best[0].credit -= sum;
    best[0].usedAt = this.#clock++;
    return best;
  }
}

/** The `count` entries of the lowest keys, of equal keys those used longest ago. */
function lowest(entries, count, keyOf) {
  const best = [];
  const keys = [];
  for (const entry of entries) {
    const key = keyOf(entry);
    let at = best.length;
    while (at > 0 && (key < keys[at - 1] || (key === keys[at - 1] && entry.usedAt < best[at - 1].usedAt)))
      at--;
    if (at >= count) continue;
    best.splice(at, 0, entry);
    keys.splice(at, 0, key);
    if (best.length > count) {
      best.pop();
      keys.pop();
    }
  }
  return best;
}
