// SPDX-License-Identifier: Apache-2.0
import type { KnownPolicy } from '@vnfpool/wire/parameters';
import { rankedSelector, saturate } from './ranked.ts';
import type { Selector } from './selector.ts';

/** Whoever would have the lowest load with one session more. @see RFC 5356 §5.3 */
export function priorityLeastUsed(): Selector<Extract<KnownPolicy, { type: 'priority-least-used' }>> {
  return rankedSelector((policy) => saturate(policy.load + policy.degradation));
}
