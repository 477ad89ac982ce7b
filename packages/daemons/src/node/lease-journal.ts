// SPDX-License-Identifier: Apache-2.0
import type { LeaseRecord } from '@vnfpool/core/lease';
import type { JournalCodec } from '@vnfpool/platform/journal';

/** Lease records as JSON; 64-bit integers as `{ "u64": "decimal" }`. */
export const leaseRecordCodec: JournalCodec<LeaseRecord> = {
  encode: (record) =>
    Buffer.from(
      JSON.stringify(record, (_key, value: unknown) =>
        typeof value === 'bigint' ? { u64: String(value) } : value,
      ),
    ),
  decode: (bytes) =>
    JSON.parse(Buffer.from(bytes).toString('utf8'), (_key, value: unknown) =>
      isU64(value) ? BigInt(value.u64) : value,
    ) as LeaseRecord,
};

function isU64(value: unknown): value is { u64: string } {
  return typeof value === 'object' && value !== null && 'u64' in value && typeof value.u64 === 'string';
}

/** The last record of each slot, and the last council. */
export function compactLeaseRecords(records: readonly LeaseRecord[]): LeaseRecord[] {
  const last = new Map<string, LeaseRecord>();
  for (const record of records) last.set(record.type === 'slot' ? record.slot : 'council', record);
  return [...last.values()];
}
