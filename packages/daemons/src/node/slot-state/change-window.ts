// SPDX-License-Identifier: Apache-2.0
import { StateError } from '@vnfpool/runtime/replication';
import { type ReplicaUpdate, replicaWeight } from '@vnfpool/wire/replication';
import type { StateSink } from './state-source.ts';

export type ChangeSink = Pick<StateSink, 'change'>;

export interface ChangeWindowEvents {
  /** More has settled: see `settled`. */
  readonly onSettled: () => void;
  /** A change was not taken, and none behind it counts; told once. Not when the sink takes nothing any more: the slot is over then. */
  readonly onRefused: (error: Error) => void;
}

/** What may not have settled at once; those that go beyond still come before their sender is held back. */
const UPDATES_MAX = 8_192;
const WEIGHT_MAX = 4 * 1024 ** 2;

interface Group {
  readonly last: number;
  readonly updates: number;
  readonly weight: number;
  state: 'given' | 'settled' | 'refused';
}

/** Changes on their way into a sink, in order, and bounded by those that have not settled. */
export class ChangeWindow {
  readonly #sink: ChangeSink;
  readonly #events: ChangeWindowEvents;
  /** Those that have not settled, the oldest first. */
  #groups: Group[] = [];
  #updates = 0;
  #weight = 0;
  #settled = 0;
  /** Nothing is acknowledged any more. */
  #isOver = false;
  #waiting: (() => void)[] = [];

  constructor(sink: ChangeSink, events: ChangeWindowEvents) {
    this.#sink = sink;
    this.#events = events;
  }

  /** Up to this update all have settled. */
  get settled(): number {
    return this.#settled;
  }

  give(updates: readonly ReplicaUpdate[]): void {
    const last = updates.at(-1);
    if (last === undefined) return;
    const group: Group = {
      last: last.sequence,
      updates: updates.length,
      weight: replicaWeight(updates),
      state: 'given',
    };
    this.#groups.push(group);
    this.#updates += group.updates;
    this.#weight += group.weight;
    this.#sink
      .change(updates.map(({ key, value, secret }) => ({ key, value, ...(secret && { secret }) })))
      .then(
        () => {
          group.state = 'settled';
          this.#advance();
        },
        (error: unknown) => {
          group.state = 'refused';
          this.#refused(error);
          this.#advance();
        },
      );
  }

  /** Resolves when there is room, or nothing matters any more. */
  async room(): Promise<void> {
    while (!this.#isOver && (this.#updates > UPDATES_MAX || this.#weight > WEIGHT_MAX)) await this.#wait();
  }

  /** Resolves when the sink is done with all of them. */
  async empty(): Promise<void> {
    while (this.#groups.length > 0) await this.#wait();
  }

  /** Nothing is acknowledged any more. */
  close(): void {
    this.#isOver = true;
    this.#wake();
  }

  #advance(): void {
    let done = 0;
    for (const group of this.#groups) {
      if (group.state === 'given') break;
      done += 1;
      if (!this.#isOver) this.#settled = group.last;
      this.#updates -= group.updates;
      this.#weight -= group.weight;
    }
    if (done === 0) return;
    this.#groups.splice(0, done);
    this.#wake();
    if (!this.#isOver) this.#events.onSettled();
  }

  #refused(error: unknown): void {
    if (this.#isOver) return;
    this.close();
    if (error instanceof StateError && error.code === 'closed') return;
    this.#events.onRefused(error instanceof Error ? error : new Error(String(error)));
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
