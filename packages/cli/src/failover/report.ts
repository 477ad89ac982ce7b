// SPDX-License-Identifier: Apache-2.0

import { NotReachableError } from '../errors.ts';
import type { CliIo } from '../io.ts';
import { showDuration } from '../output/duration.ts';
import { painter } from '../output/paint.ts';
import { renderTimeline } from '../output/timeline.ts';
import type { FailoverWatch } from './watch.ts';

/** Waits for the failovers of these slots, and draws them; a slot without one is told as that. */
export async function reportFailovers(
  watch: FailoverWatch,
  slots: readonly string[],
  waitMs: number,
  io: CliIo,
): Promise<void> {
  try {
    const failovers = await watch.failovers(slots, waitMs);
    for (const slot of slots) {
      const failover = failovers.get(slot);
      if (failover === undefined) io.out(`${slot}: no failover within ${showDuration(waitMs)}\n`);
      else io.out(renderTimeline(failover, painter(io.colour)));
    }
  } catch (error) {
    if (!(error instanceof NotReachableError)) throw error;
    // It is done; only what came of it cannot be told.
    io.err(`vnfpool: the manager stopped answering; whether a failover came cannot be told\n`);
  }
}
