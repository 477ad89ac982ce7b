// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { decodeLeaseRecord, encodeLeaseRecord, type NodeLeaseRecord } from '@vnfpool/core/lease';
import { type FileJournal, type JournalCodec, openJournal } from '@vnfpool/platform/journal';
import { readOptionalFile, writeSecretFile } from '@vnfpool/runtime/files';

/** Lease records as they stand in the journal: one line of JSON each. */
export const leaseRecordCodec: JournalCodec<NodeLeaseRecord> = {
  encode: (record) => Buffer.from(encodeLeaseRecord(record)),
  decode: (bytes) => decodeLeaseRecord(Buffer.from(bytes).toString('utf8')),
};

/**
 * Opens the node's lease register and gives this start its incarnation: raised and on disk before it is used, so
 * no two starts ever share one, unless the second goes on where the first has handed on.
 *
 * @param goesOnAs the incarnation that was handed on; null: this is a restart
 * @throws RegisterLostError when the node has acted before and its register is not there: what it promised
 * is forgotten, so it must not speak for the council again under its number
 */
export function openRegister(
  folder: string,
  goesOnAs: bigint | null,
): { journal: FileJournal<NodeLeaseRecord>; incarnation: bigint } {
  const incarnationFile = `${folder}/incarnation`;
  const path = `${folder}/leases`;
  const last = BigInt(readOptionalFile(incarnationFile)?.trim() || '0');
  if (last > 0n && !existsSync(path)) {
    throw new RegisterLostError(
      `${path} is gone, though this node has acted before: what it promised to the council is forgotten. Join anew as another node with an empty state folder.`,
    );
  }
  if (goesOnAs !== null && goesOnAs !== last)
    throw new Error(`incarnation ${goesOnAs} was handed on, but ${incarnationFile} says ${last}`);
  const journal = openJournal({ path, codec: leaseRecordCodec, compact: compactLeaseRecords });
  if (goesOnAs !== null) return { journal, incarnation: goesOnAs };
  const incarnation = last + 1n;
  writeSecretFile(incarnationFile, `${incarnation}\n`);
  return { journal, incarnation };
}

export class RegisterLostError extends Error {
  readonly code = 'REGISTER_LOST';
}

/** Of each council the last record of each slot, and the last ones of itself and of the clock. */
export function compactLeaseRecords(records: readonly NodeLeaseRecord[]): NodeLeaseRecord[] {
  const last = new Map<string, NodeLeaseRecord>();
  for (const record of records)
    last.set(`${record.councilId} ${record.type === 'slot' ? record.slot : record.type}`, record);
  return [...last.values()];
}
