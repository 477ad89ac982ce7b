// SPDX-License-Identifier: Apache-2.0
import type { StandbyAccount } from './standby-account.ts';
import type { StandbyLink } from './standby-link.ts';
import { standbyView } from './standby-view.ts';
import type { ReplicaStore } from './store.ts';
import type { ReplicationBound, StandbyView } from './types.ts';
import { UpdateAges } from './update-ages.ts';

/** The standbys of one holder: who is listed, who has a connection, and how far each is behind. */
export class HeldStandbys {
  readonly links: Map<number, StandbyLink> = new Map();
  readonly ages: UpdateAges = new UpdateAges();
  /** Removal from the list was asked for, and is not done yet. */
  readonly unlisting: Set<number> = new Set();
  /** Those that had a connection at any time. */
  readonly met: Map<number, StandbyAccount> = new Map();
  readonly #store: ReplicaStore;
  readonly #bound: ReplicationBound;
  #listed: ReadonlySet<number> | undefined;

  constructor(store: ReplicaStore, bound: ReplicationBound) {
    this.#store = store;
    this.#bound = bound;
  }

  /** Undefined: the council's list is not known yet. */
  get listed(): ReadonlySet<number> | undefined {
    return this.#listed;
  }

  list(standbys: readonly number[]): void {
    const listed = new Set(standbys);
    this.#listed = listed;
    for (const standby of this.unlisting) if (!listed.has(standby)) this.unlisting.delete(standby);
  }

  /** Of all that are listed or have a connection, and of `others`. */
  views(nowMs: number, others: Iterable<number> = []): StandbyView[] {
    const known = new Set([...(this.listed ?? []), ...this.links.keys(), ...others]);
    const at = { store: this.#store, ages: this.ages, nowMs };
    return [...known].map((standby) =>
      standbyView(
        standby,
        this.listed?.has(standby) ?? false,
        this.links.get(standby),
        this.met.get(standby),
        at,
      ),
    );
  }

  /** Sequence of the last mark that it has confirmed; undefined: nothing under this epoch. */
  ackedOf(standby: number): number | undefined {
    return this.links.get(standby)?.acked;
  }

  /** In updates; infinity: it has confirmed nothing. */
  lagOf(standby: number): number {
    const acked = this.ackedOf(standby);
    return acked === undefined ? Number.POSITIVE_INFINITY : this.#store.sequence - acked;
  }

  /** When it lacks an update for half the agreed age; infinity: there is no such bound, or it lacks nothing. */
  agedAtMs(standby: number): number {
    const { ageMs } = this.#bound;
    return ageMs === undefined ? Number.POSITIVE_INFINITY : this.lacksSinceMs(standby) + ageMs / 2;
  }

  /** When the first update was made that it lacks; infinity: it lacks nothing. */
  lacksSinceMs(standby: number): number {
    return this.ages.firstBehind(this.ackedOf(standby) ?? 0) ?? Number.POSITIVE_INFINITY;
  }
}
