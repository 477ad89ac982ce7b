// SPDX-License-Identifier: Apache-2.0
import { encodeSlotReport, type SlotReport } from '@vnfpool/wire/mobility';

const REPORT_BYTES_MAX = 32_768;

/**
 * The octets of a report that fit extension 9, and which failover records are in them: the oldest go first, the
 * others follow when these are acknowledged. Undefined when not even the slots fit.
 */
export function fitSlotReport(
  report: SlotReport,
): { octets: Uint8Array; failovers: readonly string[] } | undefined {
  for (let count = report.failovers.length; ; count = Math.floor(count / 2)) {
    const failovers = report.failovers.slice(0, count);
    const octets = encodeSlotReport({ ...report, failovers });
    if (octets.length <= REPORT_BYTES_MAX) return { octets, failovers: failovers.map(({ id }) => id) };
    if (count === 0) return undefined;
  }
}
