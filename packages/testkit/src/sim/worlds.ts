// SPDX-License-Identifier: Apache-2.0
import { runAddressesWorld, runFullWorld, runMovesWorld } from '../full-world/index.ts';
import { runGossipWorld } from '../gossip-world/index.ts';
import { runLeaseWorld } from '../lease-world/index.ts';
import { runReplicationWorld } from '../replication-world/index.ts';
import { describeRun, runRserpoolWorld, shrunk } from '../rserpool-world/index.ts';
import { runTransferWorld } from '../transfer-world/index.ts';

export interface WorldResult {
  readonly ok: boolean;
  readonly violation?: string;
  readonly trace: readonly string[];
}

export type World = (seed: number, traceLines: number) => WorldResult | Promise<WorldResult>;

/** Worlds of `npm run sim`, by the name that `--world` takes. */
export const WORLDS: Readonly<Record<string, World>> = {
  lease: (seed, traceLines) => runLeaseWorld(seed, { traceLines }),
  full: (seed, traceLines) => runFullWorld(seed, { traceLines }),
  moves: (seed, traceLines) => runMovesWorld(seed, { traceLines }),
  addresses: (seed, traceLines) => runAddressesWorld(seed, { traceLines }),
  transfer: (seed, traceLines) => runTransferWorld(seed, { traceLines }),
  replication: (seed, traceLines) => runReplicationWorld(seed, { traceLines }),
  gossip: (seed, traceLines) => runGossipWorld(seed, { traceLines }),
  rserpool: (seed, traceLines) => {
    const result = runRserpoolWorld(seed, { traceLines });
    if (result.ok) return result;
    const least = shrunk(seed, result, { traceLines });
    return { ...least, trace: [...describeRun(least), ...least.trace] };
  },
};
