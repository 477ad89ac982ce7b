// SPDX-License-Identifier: Apache-2.0
import type { Random } from '../../src/core.ts';

/** A small generator (xorshift128) whose seed decides everything. */
export function seededRandom(seed: number): Random {
  let [x, y, z, w] = [seed | 1, 362436069, 521288629, 88675123];
  const u32 = (): number => {
    const t = x ^ (x << 11);
    [x, y, z] = [y, z, w];
    w = (w ^ (w >>> 19) ^ t ^ (t >>> 8)) >>> 0;
    return w;
  };
  return { u32, u64: () => (BigInt(u32()) << 32n) | BigInt(u32()), fraction: () => u32() / 2 ** 32 };
}
