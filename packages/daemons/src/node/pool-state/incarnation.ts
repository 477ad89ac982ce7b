// SPDX-License-Identifier: Apache-2.0
import { readOptionalFile, writeSecretFile } from '@vnfpool/runtime/files';

/**
 * A number for this life of the agent, larger than of every one before: the time of its start, and where the clock went back, one
 * more than last time. It is on disk before it is used. @throws Error of the system
 */
export function nextIncarnation(folder: string, wallMs: number): bigint {
  const file = `${folder}/gossip-incarnation`;
  const former = /^[1-9][0-9]{0,18}$/.exec(readOptionalFile(file)?.trim() ?? '')?.[0];
  const now = BigInt(Math.floor(wallMs));
  const next = former !== undefined && BigInt(former) >= now ? BigInt(former) + 1n : now;
  writeSecretFile(file, `${next}\n`);
  return next;
}
