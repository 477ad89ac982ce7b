// SPDX-License-Identifier: Apache-2.0

/** The value below which the part `fraction` of the samples lies; interpolates between neighbours. */
export function quantile(samples, fraction) {
  if (samples.length === 0) return Number.NaN;
  const sorted = samples.toSorted((a, b) => a - b);
  const place = fraction * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (place - below);
}

export function median(samples) {
  return quantile(samples, 0.5);
}

/** Four significant digits: more would pretend. */
export function round(value) {
  return Number.isFinite(value) ? Number(value.toPrecision(4)) : null;
}

/** `median (p95; lowest to highest)`, for people. */
export function summary(samples) {
  const [low, high] = [Math.min(...samples), Math.max(...samples)];
  return `${round(median(samples))} (${round(quantile(samples, 0.95))}; ${round(low)} to ${round(high)})`;
}
