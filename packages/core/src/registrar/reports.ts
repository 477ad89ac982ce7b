// SPDX-License-Identifier: Apache-2.0
import { CAUSE, type ErrorCause, type UnrecognizedParameter } from '@vnfpool/wire/parameters';

/** Octets of offending input that go back to its sender at most, so that an answer is never larger than a message. */
const REPORT_BYTES_MAX = 1024;
/** Unknown parameters of one message that are reported at most. */
const REPORTS_MAX = 16;

/** The unknown parameters that their sender wants to hear of. @see RFC 5354 §3 */
export function reportable(unrecognized: readonly UnrecognizedParameter[]): ErrorCause[] {
  // Of nearly every message.
  if (unrecognized.length === 0) return [];
  return unrecognized
    .filter((parameter) => parameter.report)
    .slice(0, REPORTS_MAX)
    .map((parameter) => shortened({ code: CAUSE.unrecognizedParameter, info: parameter.whole }));
}

export function shortened({ code, info }: ErrorCause): ErrorCause {
  return { code, info: info.slice(0, REPORT_BYTES_MAX) };
}
