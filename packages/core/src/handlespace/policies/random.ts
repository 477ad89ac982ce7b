// SPDX-License-Identifier: Apache-2.0
import type { KnownPolicy } from '@vnfpool/wire/parameters';
import type { Random } from '../../core.ts';
import { drawingSelector } from './draw.ts';
import type { Selector } from './selector.ts';

/** Anyone, all alike. @see RFC 5356 §4.3 */
export function uniformRandom(random: Random): Selector<Extract<KnownPolicy, { type: 'random' }>> {
  return drawingSelector(random, () => 1);
}
