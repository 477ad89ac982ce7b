// SPDX-License-Identifier: Apache-2.0
import type { KnownPolicy } from '@vnfpool/wire/parameters';
import type { Random } from '../../core.ts';
import { drawingSelector } from './draw.ts';
import type { Selector } from './selector.ts';

/** Anyone, in proportion to the weights. @see RFC 5356 §4.4 */
export function weightedRandom(random: Random): Selector<Extract<KnownPolicy, { type: 'weighted-random' }>> {
  return drawingSelector(random, (policy) => policy.weight);
}
