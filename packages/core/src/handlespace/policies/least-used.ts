// SPDX-License-Identifier: Apache-2.0
import type { KnownPolicy } from '@vnfpool/wire/parameters';
import { rankedSelector } from './ranked.ts';
import type { Selector } from './selector.ts';

/** The lowest load; equals by turns. @see RFC 5356 §5.1 */
export function leastUsed(): Selector<Extract<KnownPolicy, { type: 'least-used' }>> {
  return rankedSelector((policy) => policy.load);
}
