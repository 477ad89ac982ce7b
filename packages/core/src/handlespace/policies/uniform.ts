// SPDX-License-Identifier: Apache-2.0
import type { Random } from '../../core.ts';
import { shuffleFront } from './chance.ts';
import type { Candidate, Selector } from './selector.ts';

/** Anyone, all alike. A choice costs the same in a pool of any size. @see RFC 5356 §4.3 */
export function uniformSelector<C extends Candidate>(random: Random): Selector<C> {
  const items: C[] = [];
  return {
    add(candidate) {
      candidate.place = items.push(candidate) - 1;
    },
    update() {},
    delete(candidate) {
      const last = items.pop();
      if (last === undefined || last === candidate) return;
      last.place = candidate.place;
      items[last.place] = last;
    },
    select: (count) => shuffleFront(random, items, count),
    use() {},
  };
}
