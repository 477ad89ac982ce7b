// SPDX-License-Identifier: Apache-2.0
import type { LeaseCouncilVersion } from '@vnfpool/wire/lease';
import type { CouncilDefinition } from '@vnfpool/wire/mobility';
import { compareCouncils } from './council.ts';
import type { CouncilOrigin, CouncilRecord } from './record.ts';

/** What a word about councils means here. */
export type CouncilNews =
  /** The one that is known. */
  | { readonly type: 'same' }
  /** To be kept; in force is what was. */
  | { readonly type: 'noted'; readonly record: CouncilRecord }
  /** In force from now on. `isRaised`: of a higher generation, so that nothing decided before stands. */
  | { readonly type: 'taken'; readonly record: CouncilRecord; readonly isRaised: boolean }
  /** Another of the same generation: nobody acts until a person has decided. */
  | { readonly type: 'rival'; readonly record: CouncilRecord }
  | { readonly type: 'lower' }
  /** One that this node cannot follow: it does not know the members, or it contradicts what it knows. */
  | { readonly type: 'strange' };

/** Which council this node works under, and which word about another one it follows. */
export class CouncilSeat {
  #record: CouncilRecord | undefined;

  constructor(restored: CouncilRecord | undefined) {
    this.#record = restored;
  }

  /** The set as the manager says it. */
  told(definition: CouncilDefinition): CouncilNews {
    const known = this.#record;
    const { version, members } = definition;
    const next = definition.next ?? null;
    const taken: CouncilRecord = {
      type: 'council',
      version,
      members,
      origin: originOf(definition),
      next,
      isWitness: false,
      rival: null,
    };
    if (known === undefined) return this.#take(taken, false);
    switch (compareCouncils(version, known.version)) {
      case 'same': {
        if (sameNext(known.next, next)) return { type: 'same' };
        return { type: 'noted', record: this.#keep({ ...known, next }) };
      }
      case 'higher': {
        if (version.generation > known.version.generation) return this.#take(taken, true);
        const { origin } = taken;
        const isWitness =
          origin.type === 'change' && compareCouncils(origin.former.version, known.version) === 'same';
        return this.#take({ ...taken, isWitness }, false);
      }
      case 'lower':
        // The manager has not heard yet that its next council is in force.
        return next !== null && compareCouncils(next.version, known.version) === 'same'
          ? { type: 'same' }
          : { type: 'lower' };
      case 'rival':
        return this.#rival(known, version);
      case 'unrelated':
        return { type: 'strange' };
    }
  }

  /** The council of a datagram, whose sender works under it. */
  heard(version: LeaseCouncilVersion): CouncilNews {
    const known = this.#record;
    if (known === undefined) return { type: 'strange' };
    switch (compareCouncils(version, known.version)) {
      case 'same':
        return { type: 'same' };
      case 'lower':
        return { type: 'lower' };
      case 'rival':
        return this.#rival(known, version);
      case 'unrelated':
        return { type: 'strange' };
      case 'higher': {
        const { next, members } = known;
        if (next === null || compareCouncils(version, next.version) !== 'same') return { type: 'strange' };
        const former = { version: known.version, members };
        const origin: CouncilOrigin = { type: 'change', former };
        return this.#take(
          { type: 'council', ...next, origin, next: null, isWitness: true, rival: null },
          false,
        );
      }
    }
  }

  #take(record: CouncilRecord, isRaised: boolean): CouncilNews {
    return { type: 'taken', record: this.#keep(record), isRaised };
  }

  #rival(known: CouncilRecord, rival: LeaseCouncilVersion): CouncilNews {
    if (known.rival !== null) return { type: 'strange' };
    return { type: 'rival', record: this.#keep({ ...known, rival }) };
  }

  #keep(record: CouncilRecord): CouncilRecord {
    this.#record = record;
    return record;
  }
}

function originOf({ former, forced }: CouncilDefinition): CouncilOrigin {
  if (forced === true) return { type: 'forced' };
  return former === undefined ? { type: 'birth' } : { type: 'change', former };
}

function sameNext(a: CouncilRecord['next'], b: CouncilRecord['next']): boolean {
  if (a === null || b === null) return a === b;
  return compareCouncils(a.version, b.version) === 'same';
}
