// SPDX-License-Identifier: Apache-2.0

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `500ms`, `10s`, `90m`, `1h`, `7d` → milliseconds; undefined for anything else, also for a number without unit. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)$/.exec(text);
  if (match === null) return undefined;
  return Number(match[1]) * unitMs[match[2] as keyof typeof unitMs];
}

/** Short and rounded: `126 ms`, `1.5 s`, `3 min`. */
export function showDuration(ms: number): string {
  if (ms < 10) return `${Number(ms.toFixed(1))} ms`;
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${Number((ms / 1_000).toFixed(1))} s`;
  return `${Math.round(ms / 60_000)} min`;
}

/** How long ago: `4s`, `3m`, `2h`, `5d`; a moment in the future is `0s`. */
export function showAge(at: number, now: number): string {
  const ms = Math.max(0, now - at);
  if (ms < 100_000) return `${Math.floor(ms / 1_000)}s`;
  if (ms < 100 * 60_000) return `${Math.floor(ms / 60_000)}m`;
  if (ms < 48 * 3_600_000) return `${Math.floor(ms / 3_600_000)}h`;
  return `${Math.floor(ms / 86_400_000)}d`;
}
