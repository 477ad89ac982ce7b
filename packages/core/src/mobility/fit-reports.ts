// SPDX-License-Identifier: Apache-2.0
import { encodeFunctionReport, type FunctionReport } from '@vnfpool/wire/mobility';
import { cutText } from './answer.ts';

const FUNCTION_REPORT_BYTES_MAX = 16_384;

/** The octets of a report that fit extension 10: a report that is too large goes without its output. */
export function fitFunctionReport(report: FunctionReport): Uint8Array {
  const octets = encodeFunctionReport(report);
  if (octets.length <= FUNCTION_REPORT_BYTES_MAX) return octets;
  return encodeFunctionReport({ ...report, output: [], reason: cutText(report.reason) });
}
