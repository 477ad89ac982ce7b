// SPDX-License-Identifier: Apache-2.0
import { PoolError } from '../pool-error.ts';
import type { MovableState } from './movable-state.ts';

/** The state of a function whose state is all shared: it is with the slot, and nothing has to come along when the function moves. */
export const NOTHING_TO_MOVE: MovableState = {
  export: () => [],
  import: async (_kind, chunks) => {
    for await (const { length } of chunks)
      if (length > 0) throw new PoolError('refused', 'its state is shared: there is none beside it');
  },
  discard: () => undefined,
};
