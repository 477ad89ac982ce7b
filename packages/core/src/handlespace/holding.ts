// SPDX-License-Identifier: Apache-2.0
import type { PoolElement } from '@vnfpool/wire/parameters';
import type { Candidate } from './policies/selector.ts';
import type { Pool } from './pool.ts';

/** An element in its pool, as iterators tell it. Read it at once: a new registration replaces `element`. */
export interface Placed {
  readonly pool: Pool;
  readonly element: PoolElement;
}

/** The one record that the handlespace keeps of an element. */
export class Holding implements Placed, Candidate {
  readonly pool: Pool;
  element: PoolElement;
  place = 0;
  uses = 0;

  constructor(pool: Pool, element: PoolElement) {
    this.pool = pool;
    this.element = element;
  }
}
