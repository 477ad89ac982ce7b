// SPDX-License-Identifier: Apache-2.0
import { type MibTable, table, timeTicks } from './values.ts';

/** What is told of one pool user of this process. */
export interface UserFacts {
  readonly scope: string;
  readonly pool: string;
  readonly description: string;
  readonly uptimeMs: number;
}

/** The PU group of the MIB. @see RFC 5525 §4 */
export function userTables(users: readonly UserFacts[]): Readonly<Record<string, MibTable>> {
  const rows = users.map(({ scope, pool, description, uptimeMs }, at) => ({
    rserpoolPUIndex: at + 1,
    rserpoolPUOperationScope: scope,
    rserpoolPUPoolHandle: pool,
    rserpoolPUDescription: description,
    rserpoolPUUptime: timeTicks(uptimeMs),
  }));
  return { rserpoolPUTable: table('3.1', rows) };
}
