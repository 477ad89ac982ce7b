// SPDX-License-Identifier: Apache-2.0
import { rmSync } from 'node:fs';
import type { AdoptedFunction, FunctionRecord } from '@vnfpool/core/agent';
import type { FunctionHost } from './function-host.ts';
import type { FunctionTable } from './function-table.ts';
import type { KeptFunction } from './kept-function.ts';

export interface AdoptFunctionsOptions {
  readonly table: Pick<FunctionTable, 'left' | 'living'>;
  readonly host: Pick<FunctionHost, 'adopt'>;
  /** Functions whose move from here was undecided when the agent before ended. */
  readonly undecided: ReadonlySet<number>;
}

const AWAY = 'while no agent looked after it, nobody saw how';

/** Takes over every function that a former agent left and that lives; of the others it is told that they ended. */
export async function adoptFunctions({
  table,
  host,
  undecided,
}: AdoptFunctionsOptions): Promise<readonly AdoptedFunction[]> {
  return await Promise.all(
    table.left.map(async (kept) => {
      const { functionId, record, specification } = kept;
      const run = table.living.get(functionId);
      if (run === undefined) removeShared(kept);
      const { process, reason } =
        run === undefined ? { process: null, reason: AWAY } : await host.adopt(kept, run);
      const found = process === null ? ended(record, undecided.has(functionId)) : record;
      return { functionId, record: found, specification, process, reason };
    }),
  );
}

/** A source in doubt would take one that is started anew for its own: it does not come back. */
function ended(record: FunctionRecord, isUndecided: boolean): FunctionRecord {
  const { life, transfer } = record;
  if (!isUndecided || transfer?.role !== 'source') return { ...record, transfer: null };
  const leaving = `ended before it was known whether it had moved to node ${transfer.peer}`;
  return { ...record, transfer: null, life: { ...life, phase: 'terminating', leaving } };
}

/** The folder of its socket: nobody comes back to it. */
function removeShared({ run }: KeptFunction): void {
  const { folder = null } = run ?? {};
  if (folder !== null) rmSync(folder, { recursive: true, force: true });
}
