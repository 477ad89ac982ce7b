// SPDX-License-Identifier: Apache-2.0
import type { ReplicaStore } from '@vnfpool/core/replication';
import type { SeededRandom } from '../lease-world/seeded-random.ts';
import { told } from './oracle.ts';

/** A value that is not what it was. */
interface Damage {
  readonly store: ReplicaStore;
  readonly key: string;
  /** What the store has; another one since: it is gone. */
  readonly value: Uint8Array;
  readonly at: number;
  readonly mask: number;
  /** Since when a look could have found it. */
  sinceMs: number;
}

/** Octets of stored values that become others in a node's memory, behind everybody's back. */
export class MemoryDamage {
  #all: Damage[] = [];

  /** An octet of some value; false: there is none. */
  strike(store: ReplicaStore, random: SeededRandom, nowMs: number): boolean {
    const values = [...store].filter(({ value }) => value !== null && value.length > 0);
    if (values.length === 0) return false;
    const { key, value } = random.pick(values);
    const damage: Damage = {
      store,
      key,
      value: value as Uint8Array,
      at: random.below((value as Uint8Array).length),
      mask: 1 << random.below(8),
      sinceMs: nowMs,
    };
    flip(damage);
    // Twice the same bit is no damage.
    const others = this.#present().filter((each) => !isSame(each, damage));
    this.#all = others.length < this.#all.length ? others : [...others, damage];
    return true;
  }

  /** The state without the damage, in one line. */
  told(store: ReplicaStore): string {
    const found = this.#in(store);
    found.forEach(flip);
    const text = told(store);
    found.forEach(flip);
    return text;
  }

  /** How long it has been there, undiscovered; 0: there is none. */
  ageMs(store: ReplicaStore, nowMs: number): number {
    const unknown = this.#in(store).filter(({ key }) => !store.damaged.has(key));
    return Math.max(0, ...unknown.map(({ sinceMs }) => nowMs - sinceMs));
  }

  isIn(store: ReplicaStore): boolean {
    return this.#in(store).length > 0;
  }

  /** Whether this is such a value, as the store has it. */
  isOf(store: ReplicaStore, value: Uint8Array | null): boolean {
    return this.#in(store).some((each) => each.value === value);
  }

  /** What the function has of a key; undefined: it is no more. */
  truth(store: ReplicaStore, key: string): Uint8Array | undefined {
    const found = this.#in(store);
    found.forEach(flip);
    const value = store.get(key)?.slice();
    found.forEach(flip);
    return value;
  }

  /** Nobody looks now. */
  restartAge(store: ReplicaStore, nowMs: number): void {
    for (const damage of this.#in(store)) damage.sinceMs = nowMs;
  }

  /** Undoes it; whether there was any. */
  undo(store: ReplicaStore): boolean {
    const found = this.#in(store);
    found.forEach(flip);
    this.#all = this.#all.filter((each) => each.store !== store);
    return found.length > 0;
  }

  #in(store: ReplicaStore): Damage[] {
    return this.#present().filter((each) => each.store === store);
  }

  #present(): Damage[] {
    if (this.#all.length > 0)
      this.#all = this.#all.filter(({ store, key, value }) => store.get(key) === value);
    return this.#all;
  }
}

function flip({ value, at, mask }: Damage): void {
  value[at] = (value[at] as number) ^ mask;
}

function isSame(a: Damage, b: Damage): boolean {
  return a.value === b.value && a.at === b.at && a.mask === b.mask;
}
