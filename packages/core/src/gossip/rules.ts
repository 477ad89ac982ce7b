// SPDX-License-Identifier: Apache-2.0

/** What a former life has sent is not on its way any more. */
const INHERIT_ROUNDS = 10;

/**
 * The decisions on which it rests that all states become equal and nothing removed comes back, one method a rule, so that
 * the simulation can break each of them and must then see a violation. Production never overrides one.
 */
export class GossipRules {
  /** Steps are taken without a gap: those behind one that is not known wait. */
  takesRun(knownVersion: number, from: number): boolean {
    return knownVersion >= from;
  }

  /** A step that is known and is not there was removed or replaced: it is not taken again. */
  isNews(version: number, knownVersion: number): boolean {
    return version > knownVersion;
  }

  /** A cell may tell more than the steps that came with it: what it had seen is kept beside it. */
  keepsSeen(): boolean {
    return true;
  }

  /** Steps are told one by one only as long as all of them are kept. */
  tellsSteps(knownVersion: number, base: number): boolean {
    return knownVersion >= base;
  }

  /** Parts count as everything only when the last one has come. */
  endsWalk(isLast: boolean): boolean {
    return isLast;
  }

  /** Former lives are declared gone only when no peer has known more of them for so many rounds. */
  inherits(rounds: number): boolean {
    return rounds >= INHERIT_ROUNDS;
  }

  /** Digests are compared whenever two know the same. */
  compares(knowsTheSame: boolean): boolean {
    return knowsTheSame;
  }

  /** A damaged cell is taken only from somebody who has all that is known of it here. */
  mends(hasAll: boolean): boolean {
    return hasAll;
  }

  /** What came ahead of its steps is told anew when these do not come: nobody else would ever hear of it. */
  retells(): boolean {
    return true;
  }
}
