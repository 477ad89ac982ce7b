// SPDX-License-Identifier: Apache-2.0
import type { ReplicaStore } from '@vnfpool/core/replication';

/** Something that must never happen has happened. */
export class ReplicationViolation extends Error {}

/** A state in one line. */
export function told(store: ReplicaStore): string {
  return [...store]
    .map(({ key, value }) => `${key}=${value?.join('.') ?? ''}`)
    .sort()
    .join(' ');
}

/** Knows every state that a holder ever had, and what left the function for the outside. */
export class Oracle {
  readonly #told: (store: ReplicaStore) => string;
  /** By epoch and sequence. */
  readonly #states = new Map<string, string>();
  /** Of the branch that is in force: what users were told rests on updates up to here. */
  #released = 0;
  #epoch = 0;
  #begunAt = 0;
  /** When each update of the branch that is in force was made. */
  readonly #madeAtMs = new Map<number, number>();
  /** By node the last update of this epoch that it had, also if it has ended since: its word may have been on its way. */
  #had = new Map<number, number>();

  /** @param told a state in one line, as the function has it */
  constructor(told: (store: ReplicaStore) => string) {
    this.#told = told;
  }

  /** A holder begins with this state. */
  begins(epoch: number, store: ReplicaStore): void {
    this.#epoch = epoch;
    this.#had = new Map();
    this.#begunAt = store.sequence;
    this.#released = Math.min(this.#released, store.sequence);
    this.#states.set(`${epoch}/${store.sequence}`, this.#told(store));
  }

  /** The last update was made now. */
  had(epoch: number, store: ReplicaStore, nowMs: number): void {
    this.#madeAtMs.set(store.sequence, nowMs);
    this.#states.set(`${epoch}/${store.sequence}`, this.#told(store));
  }

  /** @param by as many standbys as have to have it */
  released(sequence: number, by: number): void {
    // What a new holder began with was the former one's to tell.
    if (sequence <= Math.max(this.#released, this.#begunAt)) return;
    const having = [...this.#had.values()].filter((had) => had >= sequence).length;
    if (having < by)
      throw new ReplicationViolation(
        `update ${sequence} is told as settled: ${having} standbys had it, and ${by} are to; ${this.present}`,
      );
    this.#released = Math.max(this.#released, sequence);
  }

  /** How many updates whose effects users have seen a state at this sequence lacks. */
  lost(sequence: number): number {
    return Math.max(0, this.#released - sequence);
  }

  /** How much time lies between the first and the last of these. */
  lostMs(sequence: number): number {
    const [first, last] = [sequence + 1, this.#released].map((each) => this.#madeAtMs.get(each));
    return this.lost(sequence) === 0 ? 0 : (last as number) - (first as number);
  }

  /** A standby says that its state, in one line, is the one of this position. */
  check(who: number, epoch: number, sequence: number, found: string): void {
    const expected = epoch === 0 ? '' : this.#states.get(`${epoch}/${sequence}`);
    if (expected === undefined)
      throw new ReplicationViolation(
        `node ${who} says it has ${epoch}/${sequence}, which no holder ever had`,
      );
    if (found !== expected)
      throw new ReplicationViolation(
        `node ${who} at ${epoch}/${sequence} has "${found}", and the holder had "${expected}"`,
      );
    if (epoch === this.#epoch) this.#had.set(who, Math.max(this.#had.get(who) ?? 0, sequence));
  }

  get present(): string {
    return `epoch ${this.#epoch} from ${this.#begunAt}, released ${this.#released}`;
  }
}
