// SPDX-License-Identifier: Apache-2.0
import type { KnownPolicy } from '@vnfpool/wire/parameters';
import type { Random } from '../../core.ts';
import { drawingSelector } from './draw.ts';
import type { Selector } from './selector.ts';

/** Anyone, in proportion to the capacity left; a full element keeps the weight 1. @see RFC 5356 §5.4 */
export function randomizedLeastUsed(
  random: Random,
): Selector<Extract<KnownPolicy, { type: 'randomized-least-used' }>> {
  return drawingSelector(random, (policy) => Math.max(1, 0xffffffff - policy.load));
}
