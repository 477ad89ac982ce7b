// SPDX-License-Identifier: Apache-2.0
import { decodeLeaseRecord, encodeLeaseRecord, type LeaseRecord } from '@vnfpool/core/lease';
import type { JournalCodec } from '@vnfpool/platform/journal';

/** Lease records as they stand in the journal: one line of JSON each. */
export const leaseRecordCodec: JournalCodec<LeaseRecord> = {
  encode: (record) => Buffer.from(encodeLeaseRecord(record)),
  decode: (bytes) => decodeLeaseRecord(Buffer.from(bytes).toString('utf8')),
};

/** The last record of each slot, and the last council. */
export function compactLeaseRecords(records: readonly LeaseRecord[]): LeaseRecord[] {
  const last = new Map<string, LeaseRecord>();
  for (const record of records) last.set(record.type === 'slot' ? record.slot : 'council', record);
  return [...last.values()];
}
