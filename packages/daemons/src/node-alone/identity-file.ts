// SPDX-License-Identifier: Apache-2.0
import { readOptionalFile, writeSecretFile } from '@vnfpool/runtime/files';

/** What a node remembers of its managers. */
export interface KeptIdentity {
  /** 0: none was given yet. */
  readonly nodeId: number;
  /** Highest term of a manager; lower ones are refused. */
  readonly highestTerm: bigint;
}

/**
 * @param termOfSet File with the highest term of a set's manager, from when the folder was a member's: who has served
 *   one does not follow a manager without a set
 * @throws Error naming the file when it is not what was written there
 */
export function readIdentity(path: string, termOfSet: string): KeptIdentity {
  const member = readOptionalFile(termOfSet)?.trim() ?? '0';
  if (!/^\d{1,20}$/.test(member)) throw new Error(`${termOfSet} is damaged`);
  const text = readOptionalFile(path);
  if (text === null) return { nodeId: 0, highestTerm: BigInt(member) };
  const [, nodeId, own] = /^\{"nodeId":(\d{1,10}),"highestTerm":"(\d{1,20})"\}\s*$/.exec(text) ?? [];
  if (nodeId === undefined || own === undefined || Number(nodeId) > 0xfffffffe)
    throw new Error(`${path} is damaged; without it the node gets a new number`);
  return {
    nodeId: Number(nodeId),
    highestTerm: BigInt(own) > BigInt(member) ? BigInt(own) : BigInt(member),
  };
}

export function writeIdentity(path: string, { nodeId, highestTerm }: KeptIdentity): void {
  writeSecretFile(path, `${JSON.stringify({ nodeId, highestTerm: String(highestTerm) })}\n`);
}
