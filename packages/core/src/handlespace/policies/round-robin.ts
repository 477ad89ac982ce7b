// SPDX-License-Identifier: Apache-2.0
import type { KnownPolicy } from '@vnfpool/wire/parameters';
import { rankedSelector } from './ranked.ts';
import type { Selector } from './selector.ts';

/** Everyone in turn. @see RFC 5356 §4.1 */
export function roundRobin(): Selector<Extract<KnownPolicy, { type: 'round-robin' }>> {
  return rankedSelector(() => 0);
}
