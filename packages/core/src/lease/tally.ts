// SPDX-License-Identifier: Apache-2.0
import type { LeaseRules } from './rules.ts';

/** Who said yes to one request. */
export class Tally {
  readonly #rules: LeaseRules;
  /** A council is small: a list is searched faster than a set is made, and there is one for each renewal. */
  readonly #voters: number[] = [];
  #answers = 0;

  constructor(rules: LeaseRules) {
    this.#rules = rules;
  }

  add(member: number): void {
    this.#answers += 1;
    const voter = this.#rules.voter(member, this.#answers);
    if (!this.#voters.includes(voter)) this.#voters.push(voter);
  }

  has(member: number): boolean {
    return this.#voters.includes(member);
  }

  get count(): number {
    return this.#voters.length;
  }
}
