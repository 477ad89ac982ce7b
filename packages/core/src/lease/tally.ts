// SPDX-License-Identifier: Apache-2.0
import type { LeaseRules } from './rules.ts';

/** Who said yes to one request. */
export class Tally {
  readonly #rules: LeaseRules;
  readonly #voters = new Set<number>();
  #answers = 0;

  constructor(rules: LeaseRules) {
    this.#rules = rules;
  }

  add(member: number): void {
    this.#answers += 1;
    this.#voters.add(this.#rules.voter(member, this.#answers));
  }

  has(member: number): boolean {
    return this.#voters.has(member);
  }

  get count(): number {
    return this.#voters.size;
  }
}
