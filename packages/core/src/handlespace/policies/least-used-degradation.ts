// SPDX-License-Identifier: Apache-2.0
import type { KnownPolicy } from '@vnfpool/wire/parameters';
import { rankedSelector, saturate } from './ranked.ts';
import type { Selector } from './selector.ts';

/**
 * The lowest load, where each choice since the last registration counts as one more session. Only the first of
 * an answer counts as chosen, as rsplib does; RFC 5356 counts every one returned, used or not.
 * @see RFC 5356 §5.2
 */
export function leastUsedDegradation(): Selector<Extract<KnownPolicy, { type: 'least-used-degradation' }>> {
  return rankedSelector((policy, uses) => saturate(policy.load + uses * policy.degradation));
}
