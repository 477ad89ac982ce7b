// SPDX-License-Identifier: Apache-2.0
import { randomFillSync } from 'node:crypto';
import type { Random } from '@vnfpool/core';

/** The system's randomness, for cores in daemons. Draws 4 KiB at a time. */
export function systemRandom(): Random {
  const view = new DataView(new ArrayBuffer(4096));
  let used = view.byteLength;
  const take = (bytes: number): number => {
    if (used + bytes > view.byteLength) {
      randomFillSync(view);
      used = 0;
    }
    used += bytes;
    return used - bytes;
  };
  return {
    u32: () => view.getUint32(take(4)),
    u64: () => view.getBigUint64(take(8)),
    // 53 bits, all that a fraction holds.
    fraction: () => Number(view.getBigUint64(take(8)) >> 11n) / 2 ** 53,
  };
}
