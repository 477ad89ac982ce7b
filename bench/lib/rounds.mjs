// SPDX-License-Identifier: Apache-2.0

const WARM_UP_MS = 300;
const ROUND_MS = 200;
const ROUNDS = 11;

/**
 * Operations a second of each body, one sample a round. Bodies take turns, so that all of them see the same machine.
 * What a body returns is folded into a sum that is looked at, so that the compiler cannot leave the work out.
 *
 * @param {Record<string, () => number>} bodies each does one operation
 */
export function opsPerSecond(bodies, { rounds = ROUNDS, roundMs = ROUND_MS } = {}) {
  const names = Object.keys(bodies);
  const samples = Object.fromEntries(names.map((name) => [name, []]));
  let sum = 0;
  const runFor = (body, ms) => {
    const start = performance.now();
    let count = 0;
    let elapsed = 0;
    // The clock is asked every few operations only.
    for (let batch = 1; elapsed < ms; batch = Math.min(batch * 2, 256)) {
      for (let i = 0; i < batch; i++) sum += body();
      count += batch;
      elapsed = performance.now() - start;
    }
    return (count * 1000) / elapsed;
  };
  for (const name of names) runFor(bodies[name], WARM_UP_MS);
  for (let round = 0; round < rounds; round++) {
    for (const name of names) samples[name].push(runFor(bodies[name], roundMs));
  }
  if (!Number.isFinite(sum)) throw new Error('a body returned no number');
  return samples;
}
