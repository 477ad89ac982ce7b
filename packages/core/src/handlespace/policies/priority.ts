// SPDX-License-Identifier: Apache-2.0
import type { KnownPolicy } from '@vnfpool/wire/parameters';
import { rankedSelector } from './ranked.ts';
import type { Selector } from './selector.ts';

/** The highest priority; equals by turns. @see RFC 5356 §4.5 */
export function priority(): Selector<Extract<KnownPolicy, { type: 'priority' }>> {
  return rankedSelector((policy) => -policy.priority);
}
