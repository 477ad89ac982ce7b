// SPDX-License-Identifier: Apache-2.0
import { describeHost } from './host.mjs';
import { median, quantile, round, summary } from './statistics.mjs';

/**
 * One line of output: what we measured beside a reference that was measured in the same run.
 *
 * @param {{ bench: string, figure: string, unit: string, samples: number[], referenceSamples: number[] | null,
 *   referenceName: string | null }} measured
 */
export function makeFigure({ bench, figure, unit, samples, referenceSamples, referenceName }) {
  const ours = median(samples);
  const reference = referenceSamples === null ? Number.NaN : median(referenceSamples);
  return {
    bench,
    figure,
    unit,
    ours: round(ours),
    reference: round(reference),
    referenceName,
    ratio: round(ours / reference),
    n: samples.length,
    p50: round(ours),
    p95: round(quantile(samples, 0.95)),
    host: describeHost(),
  };
}

/** The same for people, with the spread of both. */
export function describeFigure({ figure, unit, samples, referenceSamples, referenceName }) {
  const beside = referenceSamples === null ? '' : `; ${referenceName}: ${summary(referenceSamples)}`;
  return `${figure}: ${summary(samples)} ${unit}${beside}`;
}
