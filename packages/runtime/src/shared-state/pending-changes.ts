// SPDX-License-Identifier: Apache-2.0
import type { EntryUpdate, SharedStateLimits } from '@vnfpool/store/shared-state';
import { type ReplicaUpdate, updateWeight } from '@vnfpool/wire/replication';

interface ChangeGroup {
  readonly updates: readonly ReplicaUpdate[];
  readonly weight: number;
  readonly atMs: number;
}

/** Changes that follow one another, each key with what it was last. */
export interface ChangeBatch {
  readonly updates: readonly EntryUpdate[];
  /** Of the last of them. */
  readonly sequence: number;
  /** Time of the first. */
  readonly sinceMs: number;
}

/**
 * Changes that wait for the store, in the order in which they were made. What is taken ends between two of them, so that the store has a
 * state that the holder had. Beyond the window none are kept: what changed is then to be had from the state itself.
 */
export class PendingChanges {
  readonly #windowOctets: number;
  #groups: ChangeGroup[] = [];
  #weight = 0;
  #isOver = false;
  #sinceMs: number | null = null;

  constructor(windowOctets: number) {
    this.#windowOctets = windowOctets;
  }

  /** Time of the oldest; null: there are none. */
  get sinceMs(): number | null {
    return this.#sinceMs;
  }

  /** More came than the window takes: of some it is only known that there were changes. */
  get isOver(): boolean {
    return this.#isOver;
  }

  get isEmpty(): boolean {
    return this.#groups.length === 0 && !this.#isOver;
  }

  /** @param updates those of one change, at least one */
  add(updates: readonly ReplicaUpdate[], atMs: number): void {
    this.#sinceMs ??= atMs;
    if (this.#isOver) return;
    const weight = updates.reduce((all, update) => all + updateWeight(update), 0);
    // One that is larger than the window comes alone.
    if (this.#groups.length > 0 && this.#weight + weight > this.#windowOctets) {
      this.#groups = [];
      this.#isOver = true;
      return;
    }
    this.#groups.push({ updates, weight, atMs });
    this.#weight += weight;
  }

  /** As many of the oldest as one write takes, those of one change together where they fit. Not while `isOver`, nor empty. */
  take({
    updates: updatesMax,
    octets: octetsMax,
  }: Pick<SharedStateLimits, 'updates' | 'octets'>): ChangeBatch {
    const latest = new Map<string, EntryUpdate>();
    let [octets, sequence, whole] = [0, 0, 0];
    const sinceMs = this.#sinceMs ?? 0;
    const takes = (update: ReplicaUpdate): boolean => {
      const { key, value } = update;
      const former = latest.get(key);
      const next = octets + key.length + (value?.length ?? 0);
      const freed = former === undefined ? 0 : key.length + (former.value?.length ?? 0);
      if (latest.size + (former ? 0 : 1) > updatesMax) return false;
      if (next - freed > octetsMax && latest.size > 0) return false;
      latest.set(key, { key, value });
      octets = next - freed;
      sequence = update.sequence;
      return true;
    };
    for (const group of this.#groups) {
      // Upper bounds: what it replaces makes room.
      const fits = latest.size + group.updates.length <= updatesMax && octets + group.weight <= octetsMax;
      if (!fits && whole > 0) break;
      const rest = group.updates.findIndex((update) => !takes(update));
      if (rest >= 0) {
        const updates = group.updates.slice(rest);
        const weight = updates.reduce((all, update) => all + updateWeight(update), 0);
        this.#weight -= group.weight - weight;
        this.#groups[whole] = { ...group, updates, weight };
        break;
      }
      whole += 1;
      this.#weight -= group.weight;
    }
    this.#groups.splice(0, whole);
    this.#sinceMs = this.#groups[0]?.atMs ?? null;
    return { updates: [...latest.values()], sequence, sinceMs };
  }

  /** What was taken last did not come through, and is to be had from the state with all that followed. */
  giveUp(sinceMs: number): void {
    this.clear();
    this.#isOver = true;
    this.#sinceMs = sinceMs;
  }

  /** They are all in what is written instead. */
  clear(): void {
    this.#groups = [];
    this.#weight = 0;
    this.#isOver = false;
    this.#sinceMs = null;
  }
}
