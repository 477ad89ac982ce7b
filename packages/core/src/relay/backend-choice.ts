// SPDX-License-Identifier: Apache-2.0
import { formatPlace, type RelayPlace } from './place.ts';

/** The backend with the fewest sessions of ours, of equal ones each in its turn. */
export class BackendChoice {
  readonly #backends: readonly RelayPlace[];
  readonly #sessions = new Map<string, number>();
  #turn = 0;

  /** @param backends At least one. */
  constructor(backends: readonly RelayPlace[]) {
    if (backends.length === 0) throw new RangeError('a relay needs at least one backend');
    this.#backends = backends;
  }

  /** Sessions by backend, also by those that are not configured here any more. */
  get sessions(): ReadonlyMap<string, number> {
    return this.#sessions;
  }

  /** @param except Those that do not answer; if that is all of them, they are asked again. */
  choose(except: ReadonlySet<string> = new Set()): RelayPlace {
    let best: RelayPlace | undefined;
    let least = Infinity;
    const { length } = this.#backends;
    for (let step = 0; step < length; step += 1) {
      const backend = this.#backends[(this.#turn + step) % length];
      if (backend === undefined || except.has(formatPlace(backend))) continue;
      const count = this.#sessions.get(formatPlace(backend)) ?? 0;
      if (count >= least) continue;
      least = count;
      best = backend;
    }
    if (best === undefined) return this.choose();
    this.#turn = (this.#backends.indexOf(best) + 1) % length;
    return best;
  }

  began(backend: RelayPlace): void {
    const key = formatPlace(backend);
    this.#sessions.set(key, (this.#sessions.get(key) ?? 0) + 1);
  }

  ended(backend: RelayPlace): void {
    const key = formatPlace(backend);
    const left = (this.#sessions.get(key) ?? 1) - 1;
    if (left > 0) this.#sessions.set(key, left);
    else this.#sessions.delete(key);
  }
}
