// SPDX-License-Identifier: Apache-2.0
import {
  encodeFunctionReport,
  encodeSlotReport,
  type FunctionReport,
  type SlotReport,
} from '@vnfpool/wire/mobility';
import { cutText } from './answer.ts';

const SLOT_REPORT_BYTES_MAX = 32_768;
const FUNCTION_REPORT_BYTES_MAX = 16_384;

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
    if (octets.length <= SLOT_REPORT_BYTES_MAX) return { octets, failovers: failovers.map(({ id }) => id) };
    if (count === 0) return undefined;
  }
}

/** The octets of a report that fit extension 10: a report that is too large goes without its output. */
export function fitFunctionReport(report: FunctionReport): Uint8Array {
  const octets = encodeFunctionReport(report);
  if (octets.length <= FUNCTION_REPORT_BYTES_MAX) return octets;
  return encodeFunctionReport({ ...report, output: [], reason: cutText(report.reason) });
}
