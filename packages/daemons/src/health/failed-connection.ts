// SPDX-License-Identifier: Apache-2.0
import type { HealthResult } from './health-check.ts';

/** Said by whoever is there, or by the host in place of nobody: what is only slow or lost never says it. */
const REFUSALS: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ECONNRESET']);

/** The result of a check whose connection failed by this error. */
export function failedConnection({ code, message }: NodeJS.ErrnoException): HealthResult {
  const isRefused = code !== undefined && REFUSALS.has(code);
  return { ok: false, reason: code ?? message, ...(isRefused && { isRefused }) };
}
