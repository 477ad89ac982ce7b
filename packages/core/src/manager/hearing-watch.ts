// SPDX-License-Identifier: Apache-2.0
import { hearingOf, reachableMembers } from './council.ts';
import type { Journal } from './journal.ts';
import type { Moment } from './moves.ts';
import type { ManagerState } from './state.ts';

/** Others hear who comes back a moment after it has registered: what lasts for less than this is no news. */
const LASTS_MS = 2_000;

/** One direction between two nodes: `listener` hears nothing of `speaker`. */
interface Cut {
  readonly listener: string;
  readonly speaker: string;
  readonly sinceMs: number;
  isTold: boolean;
}

/** Tells which node hears nothing of which member of a council, and when it does again; also where a majority is left. */
export class HearingWatch {
  readonly #state: ManagerState;
  readonly #cuts = new Map<string, Cut>();

  constructor(state: ManagerState) {
    this.#state = state;
  }

  /** When one has lasted for long enough to be told; undefined: none is there that was not. */
  get deadlineMs(): number | undefined {
    const untold = [...this.#cuts.values()].filter(({ isTold }) => !isTold);
    return untold.length === 0 ? undefined : Math.min(...untold.map(({ sinceMs }) => sinceMs + LASTS_MS));
  }

  look(journal: Journal, { nowMs, wallMs }: Moment): void {
    const now = this.#now();
    const over: Cut[] = [];
    for (const [key, cut] of this.#cuts) {
      if (now.has(key)) continue;
      this.#cuts.delete(key);
      // Of one that is gone nobody hears anything, which is told otherwise.
      if (cut.isTold && reachableMembers(this.#state, [cut.listener, cut.speaker]).length === 2)
        over.push(cut);
    }
    for (const [key, { listener, speaker }] of now)
      if (!this.#cuts.has(key)) this.#cuts.set(key, { listener, speaker, sinceMs: nowMs, isTold: false });
    const begun = [...this.#cuts.values()].filter((cut) => !cut.isTold && nowMs >= cut.sinceMs + LASTS_MS);
    for (const cut of begun) cut.isTold = true;
    for (const [listener, speakers] of byListener(begun)) {
      const message = `${listener} hears nothing of ${speakers}: lease datagrams (UDP) do not come from there to ${listener}.`;
      journal.event(wallMs, 'council.member-silent', 'warning', `node ${listener}`, message);
    }
    for (const [listener, speakers] of byListener(over))
      journal.event(
        wallMs,
        'council.member-heard',
        'info',
        `node ${listener}`,
        `${listener} hears ${speakers} again.`,
      );
  }

  /** Of all councils; two nodes may be in several. */
  #now(): ReadonlyMap<string, Pick<Cut, 'listener' | 'speaker'>> {
    const all = (this.#state.set?.councils ?? []).flatMap((council) => hearingOf(this.#state, council).cuts);
    return new Map(
      all.flatMap(({ name: listener, silent }) =>
        silent.map((speaker) => [`${listener} ${speaker}`, { listener, speaker }]),
      ),
    );
  }
}

/** Names of those that each hears nothing of, or hears again. */
function byListener(cuts: readonly Cut[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const { listener, speaker } of cuts) {
    const before = names.get(listener);
    names.set(listener, before === undefined ? speaker : `${before}, ${speaker}`);
  }
  return names;
}
