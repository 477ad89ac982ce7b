// SPDX-License-Identifier: Apache-2.0
import { readOptionalFile, writeSecretFile } from '@vnfpool/runtime/files';

/** What a node remembers of its managers. */
export interface KeptIdentity {
  /** 0: none was given yet. */
  readonly nodeId: number;
  /** Highest term of a manager; lower ones are refused. */
  readonly highestTerm: bigint;
}

/** @throws Error naming the file when it is not what was written there */
export function readIdentity(path: string): KeptIdentity {
  const text = readOptionalFile(path);
  if (text === null) return { nodeId: 0, highestTerm: 0n };
  const [, nodeId, term] = /^\{"nodeId":(\d{1,10}),"highestTerm":"(\d{1,20})"\}\s*$/.exec(text) ?? [];
  if (nodeId === undefined || term === undefined || Number(nodeId) > 0xfffffffe)
    throw new Error(`${path} is damaged; without it the node gets a new number`);
  return { nodeId: Number(nodeId), highestTerm: BigInt(term) };
}

export function writeIdentity(path: string, { nodeId, highestTerm }: KeptIdentity): void {
  writeSecretFile(path, `${JSON.stringify({ nodeId, highestTerm: String(highestTerm) })}\n`);
}
