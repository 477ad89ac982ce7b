// SPDX-License-Identifier: Apache-2.0

/** Of a number of samples; null where there are none. */
export interface Spread {
  readonly p50: number;
  readonly p99: number;
  readonly most: number;
  readonly samples: number;
}

/** The value below which the part `fraction` of the samples lies; interpolates between neighbours. NaN of none. */
export function quantile(samples: readonly number[], fraction: number): number {
  const sorted = samples.toSorted((one, other) => one - other);
  return sortedQuantile(sorted, fraction);
}

export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5);
}

export function spreadOf(samples: readonly number[]): Spread | null {
  if (samples.length === 0) return null;
  const sorted = samples.toSorted((one, other) => one - other);
  return {
    p50: sortedQuantile(sorted, 0.5),
    p99: sortedQuantile(sorted, 0.99),
    most: sorted.at(-1) as number,
    samples: sorted.length,
  };
}

function sortedQuantile(sorted: readonly number[], fraction: number): number {
  const place = fraction * (sorted.length - 1);
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
}
