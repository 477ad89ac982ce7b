// SPDX-License-Identifier: Apache-2.0
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { horizonElement } from '../../src/fence/horizon-element.ts';

const GRAIN_NS = 1_048_576n;

test('never outlasts its lease, by either clock, and gives away little of it', () => {
  const wall = fc.integer({ min: 1_600_000_000_000, max: 2_500_000_000_000 });
  const left = fc.double({ min: 8, max: 100_000, noNaN: true });
  fc.assert(
    fc.property(wall, left, (wallMs, leftMs) => {
      const element = horizonElement(leftMs, { boottimeMs: 0, wallMs }, 4);
      const endOf = (key: Uint8Array | undefined): bigint => Buffer.from(key ?? []).readBigUInt64BE(4);
      const leftNs = BigInt(Math.floor(leftMs * 1e6));
      const fromNs = BigInt(wallMs) * 1_000_000n - endOf(element?.key);
      const untilNs = endOf(element?.keyEnd) - BigInt(wallMs) * 1_000_000n;
      expect(element?.timeoutMs).toBe(Math.floor(leftMs));
      expect(fromNs >= 0n && fromNs < GRAIN_NS).toBe(true);
      expect(untilNs < leftNs && leftNs - untilNs <= GRAIN_NS + 1n).toBe(true);
    }),
  );
});
