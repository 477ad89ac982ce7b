// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 };

/** `250ms`, `1.5s`, `2m` in milliseconds; undefined when it is none of these. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text);
  if (!match) return undefined;
  return Number(match[1]) * (UNITS[match[2] as string] as number);
}

/** A duration as a person writes it: `5ms`, `2s`, `1m`. */
export function formatDuration(ms: number): string {
  if (ms >= 60_000 && ms % 60_000 === 0) return `${ms / 60_000}m`;
  if (ms >= 1_000 && ms % 1_000 === 0) return `${ms / 1_000}s`;
  return `${ms}ms`;
}

/** Schema of a duration: text with a unit in the file, milliseconds in the normal form. Bounds in milliseconds. */
export function duration(
  minMs: number,
  maxMs: number,
): z.ZodPipe<z.ZodString, z.ZodTransform<number, string>> {
  const range = `from ${formatDuration(minMs)} to ${formatDuration(maxMs)}`;
  const wanted = `must be a duration with a unit (ms, s or m), ${range}`;
  const written = z
    .string({ error: (issue) => (issue.input === undefined ? undefined : wanted) })
    .meta({ pattern: '^\\d+(\\.\\d+)?(ms|s|m)$', 'x-values': `duration ${range}` });
  return written.transform((text, context) => {
    const ms = parseDuration(text);
    if (ms === undefined || ms < minMs || ms > maxMs) {
      context.addIssue({ code: 'custom', message: `${wanted}; got ${JSON.stringify(text)}` });
      return z.NEVER;
    }
    return ms;
  });
}
