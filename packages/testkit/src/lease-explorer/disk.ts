// SPDX-License-Identifier: Apache-2.0
import type { LeaseRecord } from '@vnfpool/core/lease';

/** The disk with `records` on it: the last one of each slot counts, and of the council. */
export function stored(disk: readonly LeaseRecord[], records: readonly LeaseRecord[]): LeaseRecord[] {
  const keyOf = (record: LeaseRecord) => (record.type === 'slot' ? record.slot : record.type);
  const all = new Map(disk.map((record) => [keyOf(record), record]));
  for (const record of records) all.set(keyOf(record), record);
  return [...all.values()];
}
