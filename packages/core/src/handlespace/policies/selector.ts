// SPDX-License-Identifier: Apache-2.0
import type { KnownPolicy } from '@vnfpool/wire/parameters';
import type { Random } from '../../core.ts';

/**
 * Chooses elements of one pool by one policy and keeps what the policy needs to remember. Elements are known
 * by identifier; all have the policy type that the selector was made for.
 * @see RFC 5356 §4, §5
 */
export interface Selector<P extends KnownPolicy = KnownPolicy> {
  /** Adds an element, or takes the values of its new registration. */
  set(id: number, policy: P): void;
  delete(id: number): void;
  /**
   * At most `count` different elements, the preferred one first. The first one counts as used: where the
   * policy goes by turns, it goes to the end of its equals.
   */
  select(count: number): number[];
}

/** Makes the selector of a policy. */
export type SelectorFactory<P extends KnownPolicy = KnownPolicy> = (random: Random) => Selector<P>;
