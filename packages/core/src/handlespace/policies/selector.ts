// SPDX-License-Identifier: Apache-2.0
import type { PoolElement } from '@vnfpool/wire/parameters';
import type { Random } from '../../core.ts';

/** An element as its selector sees it. All but `element` is the selector's, to keep what its policy remembers. */
export interface Candidate {
  /** As it registered last; `element.policy` has the values to choose by. */
  readonly element: PoolElement;
  /** Where the selector keeps it. */
  place: number;
  /** How often it was used since it last registered. */
  uses: number;
}

/**
 * Chooses among the elements of one pool by one policy, and keeps what the policy remembers. All elements have the
 * policy type that the selector was made for.
 * @see RFC 5356 §4, §5
 */
export interface Selector<C extends Candidate> {
  add(candidate: C): void;
  /** It registered again; `previous` is what it was before. */
  update(candidate: C, previous: PoolElement): void;
  delete(candidate: C): void;
  /** At most `count` different ones, the preferred one first. */
  select(count: number): C[];
  /** One of the last answer counts as used. */
  use(candidate: C): void;
}

/** Makes selectors of one policy. */
export type SelectorFactory = <C extends Candidate>(random: Random) => Selector<C>;

/** How to choose by one policy type. */
export interface SelectionPolicy {
  /** For people. */
  readonly name: string;
  /** The policy type on the wire, 32 bits. One's own have bit 31. @see RFC 5356 §3 */
  readonly code: number;
  /** How many of an answer, from its first on, count as used unless one says otherwise (MaxIncrement). */
  readonly increment: number;
  readonly selector: SelectorFactory;
}
